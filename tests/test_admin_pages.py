"""Finding, revealing and erasing in the console: each by its own permission, each with its trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cases import each
from tests.conftest import Reporter, brought_to
from tests.console import AFFECTED, EVERY, FIND, actions, page, staff, trail
from tests.lying_wechat import BEGIN, NAME, NUMBER, QUERY, LyingWeChat, identity, says
from wx_realname import audit, services
from wx_realname.exceptions import Misconfigured, RealNameError
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import begin_face, exchange, finish_face

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]


@pytest.fixture
def clerk() -> Client:
    return staff("view_verification")


@pytest.fixture
def officer() -> Client:
    return staff(*EVERY)


# --- permissions ------------------------------------------------------------------------------


@each("action", ["find", "affected", "reveal", "copy", "erase"])
def test_each_permission_opens_its_own_page_alone(row: Verification, action: str) -> None:
    needed, address, data = actions(row)[action]
    allowed = staff(needed, username=action)
    other = staff(*(set(EVERY) - {needed}), username=f"not {action}")
    refusals = AuditEvent.objects.filter(event="permission_refused")
    for method in ("get", "post"):
        refusals.delete()
        assert getattr(other, method)(address, data).status_code == 403
        assert getattr(allowed, method)(address, data).status_code in (200, 302)
        (event,) = refusals.all()
        assert event.reason == f"wx_realname.{needed}"
        assert event.verification_id == (row.pk if str(row.pk) in address else None)


def test_who_is_not_let_into_the_admin_is_sent_to_the_login(row: Verification, user: Any) -> None:
    client = Client()
    client.force_login(user)
    for visitor in (client, Client()):
        for _needed, address, data in actions(row).values():
            assert visitor.post(address, data).status_code == 302
    assert trail() == [] and Verification.objects.get().status == "verified"


@each("days", [("2026-11-29", "9999-12-31"), ("0001-01-01", "2026-11-29")])
def test_days_that_no_database_knows_are_refused(
    officer: Client, days: tuple[str, str], settings: Any
) -> None:
    typed = {"account": "clerk", "first_day": days[0], "last_day": days[1]}
    settings.TIME_ZONE = "Asia/Shanghai"
    answer = officer.post(AFFECTED, typed)
    assert "outside the range that databases support" in answer.content.decode()


def test_the_record_offers_only_what_is_allowed(row: Verification) -> None:
    address = page("verification", row.pk, "change")
    text = staff("view_verification").get(address).content.decode()
    assert not [action for action in ("reveal", "copy", "erase") if f"/{action}/" in text]
    assert "Audit events" not in text
    text = staff(*EVERY, username="officer").get(address).content.decode()
    assert all(f"/{action}/" in text for action in ("reveal", "copy", "erase"))
    assert "exchange ended" in text


@pytest.mark.parametrize(
    ("verify_ret", "said"),
    [
        (10004, "10004 人脸比对不一致 · 请用户核对"),
        (10000, "10000 核验通过"),
        (7, "7 微信未公布的结果"),
    ],
)
def test_a_face_says_what_it_came_to(
    liar: LyingWeChat, user: Any, officer: Client, verify_ret: int, said: str
) -> None:
    liar.play(says({"errcode": 0, "verify_id": "v", "expires_in": 3600}), path=BEGIN)
    liar.play(says({"errcode": 0, "verify_ret": verify_ret}), path=QUERY)
    face = begin_face(user=user, openid="oCitizen", real_name=NAME, credential_id=NUMBER)
    address = page("verification", face.pk, "change")
    waiting = officer.get(address).content.decode()
    assert "/erase/" in waiting and "/reveal/" not in waiting
    with suppress(RealNameError):
        finish_face(face)
    text = officer.get(address, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert said in text


def test_without_the_token_against_forgery_nothing_happens(row: Verification) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = staff(*EVERY).cookies
    for _needed, address, data in actions(row).values():
        assert client.post(address, data).status_code == 403
    assert trail() == [] and Verification.objects.get().status == "verified"


# --- finding ----------------------------------------------------------------------------------


@each(
    ("typed", "by"),
    [
        ({"credential_id": NUMBER}, "number"),
        ({"credential_id": f" {NUMBER[:6]} {NUMBER[6:].lower()} "}, "number"),
        ({"real_name": NAME}, "name"),
        ({"real_name": f" {NAME[0]} {NAME[1:]}"}, "name"),
        ({"real_name": NAME, "credential_id": NUMBER}, "name and number"),
    ],
)
def test_a_person_is_found_however_it_is_typed(
    row: Verification, clerk: Client, typed: dict[str, str], by: str
) -> None:
    answer = clerk.post(FIND, typed)
    text = answer.content.decode()
    assert "1 record found" in text and f"/{row.pk}/change/" in text and "**娜" in text
    assert NAME not in text and NUMBER not in text
    assert "no-store" in answer.headers["Cache-Control"]
    assert trail()[-1] == ("search", f"by {by}; found: 1")


def test_other_accounts_with_the_same_number_are_shown(
    row: Verification, clerk: Client, liar: LyingWeChat, stranger: Any
) -> None:
    liar.play(identity(name="另一个名字"))
    other = exchange(user=stranger, auth_token="another-token")
    for typed in ({"credential_id": NUMBER}, {"real_name": NAME}):
        text = clerk.post(FIND, typed).content.decode()
        assert f"/{row.pk}/" in text and f"/{other.pk}/" in text
        assert text.count("<strong>2</strong>") == 2


def test_a_search_for_nobody_leaves_its_trace_too(row: Verification, clerk: Client) -> None:
    for typed, by in (({}, "name"), ({"credential_id": NUMBER}, "name and number")):
        text = clerk.post(FIND, {"real_name": "无此人", **typed}).content.decode()
        assert "Nobody was found" in text
        assert trail()[-1] == ("search", f"by {by}; found: 0")


@each("typed", [{}, {"credential_id": "123"}, {"real_name": "\x07"}, {"real_name": "x" * 256}])
def test_what_cannot_be_searched_is_said_and_leaves_no_trace(
    row: Verification, clerk: Client, typed: dict[str, str]
) -> None:
    answer = clerk.post(FIND, {"csrf": "", **typed})
    assert (answer.status_code, trail()) == (200, [])
    assert "errorlist" in answer.content.decode()


def test_a_number_in_the_address_is_not_searched_for(row: Verification, clerk: Client) -> None:
    text = clerk.get(FIND, {"credential_id": NUMBER}).content.decode()
    assert (str(row.pk) in text, NUMBER in text, trail()) == (False, False, [])


def test_older_index_keys_still_find(
    row: Verification, clerk: Client, settings: Any, configure: Configure
) -> None:
    configure(INDEX_KEYS=["i2:" + "B" * 43 + "=", *settings.WX_REALNAME["INDEX_KEYS"]])
    for typed in ({"credential_id": NUMBER}, {"real_name": NAME}):
        assert f"/{row.pk}/change/" in clerk.post(FIND, typed).content.decode()


def test_inside_the_hosts_atomic_requests_events_are_kept(
    row: Verification, clerk: Client, monkeypatch: Any
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert clerk.post(FIND, {"credential_id": NUMBER}).status_code == 200
    assert clerk.get(page("verification", row.pk, "reveal")).status_code == 403
    assert [event for event, _ in trail()] == ["search", "permission_refused"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
@each("typed", [{"credential_id": NUMBER}, {"real_name": NAME}])
def test_an_index_answers_every_search(
    row: Verification, clerk: Client, typed: dict[str, str]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        clerk.post(FIND, typed)
    searches = [q["sql"] for q in queries if 'FROM "wx_realname_verification"' in q["sql"]]
    by_key_id = [sql for sql in searches if '"index_key_id" >' in sql]  # of which keys there are
    comparing = [sql for sql in searches if "_encrypted" in sql]  # what was found, with its trail
    assert (len(searches), len(by_key_id), len(comparing)) == (5, 2, 1)
    for sql in searches:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            assert "SEARCH" in (plan := str(cursor.fetchall())) and "SCAN" not in plan


# --- revealing --------------------------------------------------------------------------------


@each(("action", "longest"), [("reveal", 255), ("copy", 255), ("erase", 255), ("export", 100)])
def test_without_a_proper_reason_nothing_is_done(
    row: Verification, officer: Client, action: str, longest: int
) -> None:
    _needed, address, data = actions(row)[action]
    for reason in ("", "   ", "x" * (longest + 1), "a\x07", f"it is {NUMBER}"):
        text = officer.post(address, data | {"reason": reason}).content.decode()
        assert NAME not in text and "<title>Error: " in text and trail() == []


def test_where_nothing_is_stored_reveal_says_so(
    liar: LyingWeChat, user: Any, officer: Client
) -> None:
    row = brought_to("unknown", liar, user)
    answer = officer.post(page("verification", row.pk, "reveal"), {"reason": "case 1"})
    assert "Nothing is stored" in answer.content.decode()


@each("action", ["reveal", "copy"])
def test_without_its_key_nothing_is_disclosed_and_no_look_recorded(
    row: Verification, officer: Client, configure: Configure, action: str
) -> None:
    configure(ENCRYPTION_KEYS=["other:AES-256-GCM:" + "B" * 43 + "="])
    answer = officer.post(page("verification", row.pk, action), {"reason": "case 1"})
    assert "a key is missing" in answer.content.decode() and trail() == []
    with pytest.raises(Misconfigured):
        getattr(services, action)(row, actor=None, reason="case 1")


@each("action", ["find", "reveal", "copy", "export"])
def test_without_its_audit_event_nothing_is_shown(
    row: Verification, officer: Client, action: str, monkeypatch: Any
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("disk full")

    for name in ("append", "append_access"):
        monkeypatch.setattr(audit, name, full)
    _needed, address, data = actions(row)[action]
    with pytest.raises(DatabaseError):
        officer.post(address, data)


# --- erasing ----------------------------------------------------------------------------------


def test_erase_asks_first_and_needs_a_reason(row: Verification) -> None:
    client = staff("erase_verification", "view_verification")
    address = page("verification", row.pk, "erase")
    assert "Erase for good" in client.get(address).content.decode()
    client.post(address, {"reason": " "})
    assert Verification.objects.get().status == "verified"
    answer = client.post(address, {"reason": "case 4711"})
    assert answer.headers["Location"] == page("verification", row.pk, "change")
    row.refresh_from_db()
    assert (row.status, row.real_name_masked, row.credential_id_index) == ("erased", None, None)
    assert trail() == [("erase", "case 4711")]
    assert "was erased" in client.get(answer.headers["Location"]).content.decode()
    assert "Nobody" in client.post(FIND, {"credential_id": NUMBER}).content.decode()


def test_a_pending_record_is_not_erased(liar: LyingWeChat, user: Any) -> None:
    row = brought_to("pending", liar, user)
    address = page("verification", row.pk, "erase")
    text = staff("erase_verification").post(address, {"reason": "case 1"}).content.decode()
    assert "being processed" in text and Verification.objects.get().status == "pending"


# --- what stays behind ------------------------------------------------------------------------


def test_nothing_personal_stays_in_logs_sessions_addresses_or_histories(
    row: Verification, officer: Client, reporter: Reporter
) -> None:
    addresses = []
    for _needed, address, data in actions(row).values():
        for answer in (officer.get(address), officer.post(address, data)):
            addresses += [answer.request["PATH_INFO"], answer.request["QUERY_STRING"]]
            addresses.append(answer.headers.get("Location", ""))
            if answer.streaming:
                b"".join(answer.streaming_content)
    logging.getLogger("a test").warning("heard")
    kept = [*addresses, *reporter.told, str(list(AuditEvent.objects.values()))]
    kept += [str(session.get_decoded()) for session in Session.objects.all()]
    assert "heard" in str(kept)
    for planted in (NAME, NUMBER, NUMBER[:12]):
        assert planted not in str(kept)
    assert not LogEntry.objects.exists()
