"""services.exchange: what each fault makes of a record, the table of repeats, and the races."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection

from tests.conftest import AUTH_TOKEN, at_once, brought_to, code, events, heard, make_stuck, outcome
from tests.lying_wechat import (
    FAULTS,
    Fault,
    LyingWeChat,
    Script,
    doing,
    hangs_up,
    identity,
    refuses,
    says,
)
from wx_realname import services
from wx_realname.exceptions import ExchangeInProgress, InvalidRequest
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import exchange
from wx_realname.services.transactions import durable
from wx_realname.signals import verification_succeeded

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
EVERY_STATUS = ("pending", "verified", "erased", "rejected", "failed", "unknown")


TYPED = {"openid": "oCitizen", "real_name": "张三", "credential_id": "11010519491231002X"}


@pytest.mark.parametrize(
    "call",
    [
        lambda user: services.exchange(user=user, auth_token="x"),
        lambda user: services.begin_face(user=user, **TYPED),
        lambda user: services.check(user=user, code="x", **TYPED),
        lambda _: services.login(code="x"),
        lambda _: services.categories(),
    ],
    ids=["exchange", "begin_face", "check", "login", "categories"],
)
def test_where_no_merchant_is_the_default_one_every_service_lists_them(
    call: Callable[[Any], Any], user: Any, settings: Any
) -> None:
    of_one = settings.WX_REALNAME["MERCHANTS"]["default"]
    settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": {"North": of_one, "south": of_one}}
    with pytest.raises(InvalidRequest) as caught:
        call(user)
    assert caught.value.errors and "North, south" in caught.value.errors["merchant"][0]


# --- the table of errors ----------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_ends_as_its_row_of_the_table_says(
    liar: LyingWeChat, user: Any, configure: Configure, fault: Fault
) -> None:
    configure(**fault.timeouts)
    liar.play(*fault.scripts, path=fault.path)
    error = outcome(user)
    row = Verification.objects.get()
    http, retry, status = fault.promise
    assert (error.code, error.status_code, error.retry) == (fault.code, http, retry)
    assert (row.status, row.error_code, row.errcode) == (status, fault.code, fault.errcode)
    assert (row.mch_id, row.app_id) == ("1900000001", "wx0000000000000001")
    assert error.verification_id == row.pk
    assert (error.wechat and error.wechat["errcode"]) == fault.errcode
    assert len(liar.exchanges) == fault.asked
    assert row.finished_at and row.real_name_encrypted is None and row.real_name_masked is None

    liar.forget()
    again = outcome(user)
    if status == "rejected":
        assert (again.code, again.verification_id) == (fault.code, row.pk)
        assert (again.wechat, liar.calls) == (error.wechat, [])
        assert events() == ["exchange rejected"]
    else:
        assert (again.status, len(liar.exchanges)) == ("verified", 1)


@pytest.mark.parametrize(
    ("errmsg", "hint"),
    [
        ("invalid timestamp hint: [YIJ9Ia03331961]", "YIJ9Ia03331961"),
        ("invalid timestamp rid: 6a5f-12ab-77", "6a5f-12ab-77"),
        ("invalid timestamp", None),
        (None, None),
    ],
)
def test_wechats_words_and_hint_are_kept(
    liar: LyingWeChat, user: Any, errmsg: Any, hint: str | None
) -> None:
    liar.play(refuses(94008, errmsg))
    assert outcome(user).wechat == {"errcode": 94008, "errmsg": errmsg or "", "hint": hint}
    row = Verification.objects.get()
    assert (row.errmsg, row.hint) == (errmsg or "", hint or "")


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_dead_access_token_is_replaced_once_and_the_citizen_sees_nothing(
    liar: LyingWeChat, user: Any, errcode: int
) -> None:
    liar.play(refuses(errcode), identity())
    assert code(user) == "verified"
    first, second = liar.exchanges
    assert first.query["access_token"] != second.query["access_token"]
    assert events() == ["exchange verified"]


@pytest.mark.parametrize("tries", [1, 2])
def test_busy_is_asked_three_times_in_all(liar: LyingWeChat, user: Any, tries: int) -> None:
    liar.play(*[refuses(-1)] * tries, identity())
    assert (code(user), len(liar.exchanges)) == ("verified", tries + 1)
    assert Verification.objects.get().in_doubt is False


@pytest.mark.parametrize(
    "merchant",
    [
        {"PRIVATE_KEY_FILE": "/nonexistent.pem"},
        {"CERT_SERIALNO": "1"},
        {"KEY_BACKEND": "tests.no_such_module.Key"},
        {"KEY_BACKEND": f"{__name__}.DeadDevice", "CERT_SERIALNO": "1", "CERTIFICATE_FILE": None},
    ],
    ids=["no key file", "another serial", "no backend", "a device that can't sign"],
)
def test_a_key_that_cannot_be_used_is_misconfigured_and_nothing_is_sent(
    liar: LyingWeChat, user: Any, configure: Configure, merchant: dict[str, Any]
) -> None:
    configure(merchant=merchant)
    assert code(user) == "misconfigured"
    assert (Verification.objects.get().status, liar.exchanges) == ("failed", [])


class DeadDevice:
    """A key backend whose device has been unplugged."""

    certificate = public_key = None

    def __init__(self, source: Any, mch_id: str) -> None:
        pass

    def sign(self, message: bytes) -> bytes:
        raise OSError("no device")


def central_token(app_id: str) -> str:
    return app_id


def test_without_a_connection_nothing_was_sent(user: Any, configure: Configure) -> None:
    provider = {"ACCESS_TOKEN_PROVIDER": f"{__name__}.central_token"}
    configure(API_BASE_URL="http://127.0.0.1:1", merchant=provider)
    assert code(user) == "wechat_unreachable"
    row = Verification.objects.get()
    assert (row.in_doubt, events()) == (False, ["exchange failed"])
    assert (row.errcode, row.errmsg, row.hint) == (None, "", "")  # WeChat said nothing


# --- the same token again ---------------------------------------------------------------------


@pytest.mark.parametrize("status", ["verified", "erased"])
def test_what_is_done_is_given_again_without_asking(
    liar: LyingWeChat, user: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    again = exchange(user=user, auth_token=AUTH_TOKEN)
    assert (again.pk, again.status, again.newly_verified) == (row.pk, status, False)
    assert liar.calls == []


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_what_failed_or_is_unknown_is_asked_again(
    liar: LyingWeChat, user: Any, notice: Notice, status: str
) -> None:
    row = brought_to(status, liar, user)
    again = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    assert (again.pk, again.status, again.newly_verified) == (row.pk, "verified", True)
    again.refresh_from_db()
    assert (again.attempt, again.error_code, again.errcode) == (2, "", None)
    assert (again.in_doubt, again.errmsg, again.hint) == (False, "", "")
    assert Consent.objects.get(verification_id=again.pk).pk == again.consent_id
    assert len(liar.exchanges) == 1
    assert events() == [f"exchange {status}", "exchange verified"]


def test_a_fresh_pending_is_in_progress(liar: LyingWeChat, user: Any) -> None:
    row = brought_to("pending", liar, user)
    error = outcome(user)
    assert isinstance(error, ExchangeInProgress)
    assert (error.verification_id, error.retry, error.wechat) == (row.pk, "later", None)
    assert (liar.calls, events()) == ([], [])


def test_a_pending_older_than_the_timeout_becomes_unknown_and_is_asked_again(
    liar: LyingWeChat, user: Any
) -> None:
    brought_to("pending", liar, user)
    make_stuck()
    assert code(user) == "verified"
    assert events() == ["exchange_abandoned unknown", "exchange verified"]
    attempts = AuditEvent.objects.order_by("attempt").values_list("attempt", flat=True)
    assert list(attempts) == [1, 2]


@pytest.mark.parametrize("status", EVERY_STATUS)
def test_same_token_by_another_user_is_refused(
    liar: LyingWeChat, user: Any, stranger: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    make_stuck() if status == "pending" else None
    before = Verification.objects.values().get()
    error = outcome(stranger)
    said = (error.code, error.retry, error.verification_id)
    assert said == ("auth_token_in_use", "reauthorize", None)
    assert Verification.objects.values().get() == before
    assert liar.calls == []
    event = AuditEvent.objects.get(event="auth_token_in_use")
    assert (event.actor_id, event.user_id) == (str(stranger.pk), str(user.pk))
    assert event.verification_id == row.pk


@pytest.mark.parametrize("status", EVERY_STATUS)
def test_same_token_for_another_merchant_is_refused(
    liar: LyingWeChat, user: Any, settings: Any, status: str
) -> None:
    brought_to(status, liar, user)
    merchants = settings.WX_REALNAME["MERCHANTS"]
    more = merchants | {"other": merchants["default"] | {"MCH_ID": "1900000002"}}
    settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": more}
    assert code(user, merchant="other") == "other_merchant"
    assert (liar.calls, Verification.objects.get().merchant) == ([], "default")
    assert not AuditEvent.objects.filter(event="auth_token_in_use").exists()


DOUBTS: dict[str, tuple[Script, ...]] = {
    "timeout": (hangs_up,),
    "unreadable": (identity(encryted_real_name=None),),
    "error 500": (says(b"", 500),),
    "busy": (refuses(-1),),
    "busy, then surely not consumed": (refuses(-1), refuses(94006)),
}


@pytest.mark.parametrize("doubt", [*DOUBTS, "stuck"])
def test_94005_after_a_doubt_is_an_unknown_outcome_and_stays_one(
    liar: LyingWeChat, user: Any, doubt: str
) -> None:
    if doubt == "stuck":
        brought_to("pending", liar, user)
        make_stuck()
    else:
        liar.play(*DOUBTS[doubt])
        outcome(user)
    liar.play(refuses(94005))
    for _ in range(2):
        error = outcome(user)
        assert (error.code, error.wechat["errcode"]) == ("outcome_unknown", 94005)
        row = Verification.objects.get()
        assert (row.status, row.error_code, row.errcode) == ("unknown", "outcome_unknown", 94005)


def test_a_failure_in_between_takes_no_doubt_away(liar: LyingWeChat, user: Any) -> None:
    brought_to("unknown", liar, user)
    liar.play(refuses(94006))
    assert code(user) == "misconfigured"
    liar.play(refuses(94005))
    assert code(user) == "outcome_unknown"


def test_94005_after_a_failure_without_doubt_is_a_rejection(liar: LyingWeChat, user: Any) -> None:
    brought_to("failed", liar, user)
    liar.play(refuses(94005))
    assert [code(user), code(user)] == ["invalid_auth_token"] * 2
    assert len(liar.exchanges) == 1


@pytest.mark.parametrize("status", ["verified", "failed"])
def test_a_token_is_known_after_the_index_keys_are_rotated(
    liar: LyingWeChat, user: Any, stranger: Any, settings: Any, configure: Configure, status: str
) -> None:
    row = brought_to(status, liar, user)
    new = "i2:" + "A" * 43 + "="
    configure(INDEX_KEYS=[new, *settings.WX_REALNAME["INDEX_KEYS"]])
    assert code(stranger) == "auth_token_in_use"
    assert code(user) == "verified"
    assert (Verification.objects.get().pk, len(liar.exchanges)) == (row.pk, status == "failed")
    assert exchange(user=user, auth_token="another-token").token_key_id == "i2"


# --- races ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_token_posted_at_once_by_several_users_is_exchanged_once(sandbox: Sandbox) -> None:
    users = [get_user_model().objects.create(username=f"user {i}") for i in range(3)]
    token = sandbox.issue_auth_token(Citizen("张三", "440524198001010013"))
    came = at_once(*[partial(outcome, user, token) for user in users * 4])

    assert sandbox.totals["getrealnameinfo"] == 1
    row = Verification.objects.get()
    winners = [each for each in came if getattr(each, "newly_verified", False)]
    assert [winner.pk for winner in winners] == [row.pk]
    for user, each in zip(users * 4, came, strict=True):
        said = getattr(each, "code", None) or each.status
        if user == row.user:
            assert said in ("verified", "exchange_in_progress")
        else:
            assert said == "auth_token_in_use"
    assert sorted(events()).count("exchange verified") == 1
    assert AuditEvent.objects.filter(event="auth_token_in_use").count() == 8


@pytest.mark.django_db(transaction=True)
def test_a_stuck_attempt_is_taken_over_by_one(liar: LyingWeChat, user: Any) -> None:
    brought_to("pending", liar, user)
    make_stuck()
    came = at_once(*[partial(code, user)] * 6)
    assert set(came) <= {"verified", "exchange_in_progress"} and len(liar.exchanges) == 1
    assert events() == ["exchange_abandoned unknown", "exchange verified"]


def strike() -> Callable[[], None]:
    """What makes the next statement of this thread's connection fail, but not a fresh connection's."""
    if connection.vendor in ("sqlite", "unheard-of"):
        connection.cursor().execute("PRAGMA busy_timeout = 0")
        name = connection.settings_dict["NAME"]
        lock = sqlite3.connect(name, check_same_thread=False, isolation_level=None)

        def hold() -> None:
            lock.execute("BEGIN IMMEDIATE")
            threading.Timer(0.6, lock.close).start()

        return hold
    raw, postgres = connection.connection, connection.vendor == "postgresql"
    pid = raw.info.backend_pid if postgres else raw.thread_id()
    sql = "SELECT pg_terminate_backend(%s)" if postgres else "KILL %s"

    def kill() -> None:
        connection.cursor().execute(sql, [pid])

    return kill


@pytest.mark.django_db(transaction=True)
def test_the_record_is_written_though_the_database_connection_is_lost(
    liar: LyingWeChat, user: Any
) -> None:
    liar.play(doing(strike(), identity()))
    assert exchange(user=user, auth_token=AUTH_TOKEN).newly_verified
    assert Verification.objects.get().status == "verified"
    assert events() == ["exchange verified"]


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_was_not_heard_of_is_recorded_once(
    liar: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection dies between the commit and its confirmation."""
    leave, deaths = durable.__exit__, [OperationalError("gone")]

    def die(self: durable, *error: Any) -> None:
        leave(self, *error)
        if liar.calls and deaths:
            raise deaths.pop()

    monkeypatch.setattr(durable, "__exit__", die)
    with heard(verification_succeeded) as told:
        assert exchange(user=user, auth_token=AUTH_TOKEN).newly_verified
    assert not deaths
    assert (events(), len(told)) == (["exchange verified"], 1)
