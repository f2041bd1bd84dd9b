"""services.begin_face and finish_face: every row of both tables, races, crashes, and nothing leaked."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connections, transaction
from django.test import RequestFactory
from django.utils import timezone

from tests.cases import each
from tests.conftest import Reporter, at_once, events, forget_access_tokens, frames, heard
from tests.lying_wechat import (
    BEGIN,
    NAME,
    NUMBER,
    QUERY,
    TOKEN,
    LyingWeChat,
    Script,
    a_token,
    after,
    doing,
    hangs_up,
    refuses,
    says,
    stalls,
)
from tests.trail import faults
from wx_realname import audit, resident_id
from wx_realname.exceptions import (
    ConfigurationError,
    FaceNotFinished,
    InvalidRequest,
    NotFound,
    RealNameError,
)
from wx_realname.models import AuditEvent, Notice, Verification, encrypted_field
from wx_realname.personal_data import PersonalData
from wx_realname.sandbox import Sandbox
from wx_realname.services import (
    abegin_face,
    aexchange,
    afinish_face,
    begin_face,
    erase,
    exchange,
    finish_face,
)
from wx_realname.services.upkeep.key_use import key_use
from wx_realname.services.upkeep.rotation import rotate_keys
from wx_realname.services.verification import face, recording, single_flight
from wx_realname.signals import verification_rejected, verification_succeeded
from wx_realname.wechat.errcodes import ERRCODES
from wx_realname.wechat.face import cert_hash
from wx_realname.wechat.per_process import PerProcess
from wx_realname.wechat.verdicts import VERDICTS

pytestmark = pytest.mark.django_db(transaction=True)

OPENID = "oCitizen-of-these_tests-00001"
VERIFY_ID = "verify-id-of-these-tests"
CHILD = "110101202001011232"
WAITING, LOST = "waiting", "wechat_unreachable"


def begun(verify_id: Any = VERIFY_ID, expires_in: Any = 3600, **changes: Any) -> Script:
    fields = {"errcode": 0, "errmsg": "", "verify_id": verify_id, "expires_in": expires_in}
    return says({name: value for name, value in (fields | changes).items() if value is not None})


def came_to(verify_ret: Any, **changes: Any) -> Script:
    fields = {"errcode": 0, "errmsg": "", "verify_ret": verify_ret} | changes
    return says({name: value for name, value in fields.items() if value is not None})


@pytest.fixture
def wechat(liar: LyingWeChat) -> LyingWeChat:
    liar.play(begun(), path=BEGIN)
    liar.play(came_to(10000), path=QUERY)
    return liar


def asked(wechat: LyingWeChat, path: str = QUERY) -> int:
    return len([call for call in wechat.calls if call.path == path])


def begin(user: Any, **kwargs: Any) -> Verification:
    values = {"openid": OPENID, "real_name": NAME, "credential_id": NUMBER} | kwargs
    return begin_face(user=user, **values)


def end(call: Callable[[], Verification]) -> str:
    """The status of the record, or the code of the error."""
    try:
        return str(call().status)
    except RealNameError as error:
        return error.code


def finished(row: Verification) -> str:
    return end(partial(finish_face, row))


def status() -> str:
    return str(Verification.objects.get().status)


def ends(caplog: pytest.LogCaptureFixture) -> int:
    """How many attempts were reported as ended."""
    return caplog.text.count("attempt ended")


# --- what is sent -----------------------------------------------------------------------------


def test_the_hash_is_that_of_wechats_own_sample() -> None:
    hashed = cert_hash(PersonalData("张三", "310101199801011234"))
    assert hashed.reveal() == "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b"
    assert "3c24" not in repr(hashed)


def test_a_face_passes(
    wechat: LyingWeChat, user: Any, notice: Notice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wx_realname.attempt")
    row = begin(user, real_name=f" {NAME} ", notice=notice.pk)
    assert (row.method, row.status, row.verify_id) == ("face", WAITING, VERIFY_ID)
    assert row.expires_at and timedelta(0) < row.expires_at - timezone.now() < timedelta(hours=1)
    assert row.consent and row.consent.notice == notice
    stored = Verification.objects.get()
    assert stored.verify_id is None and stored.face_encrypted
    assert stored.real_name_encrypted is stored.real_name_masked is stored.real_name_index is None
    assert events() == [] and faults() == [] and ends(caplog) == 0
    row = finish_face(stored, request=RequestFactory().get("/", REMOTE_ADDR="198.51.100.7"))
    assert ends(caplog) == 1
    assert row.newly_verified and (row.status, row.verify_ret) == ("verified", 10000)
    stored = Verification.objects.get()
    plain = stored.personal_data()
    assert plain and (plain.real_name, plain.credential_id) == (NAME, NUMBER)
    assert (stored.real_name_masked, stored.face_encrypted) == ("**娜", None)
    assert events() == ["exchange verified"] and faults() == []
    event = AuditEvent.objects.get(event="exchange")
    assert (event.method, event.errcode) == ("face", None)
    assert (event.actor_id, event.ip_address) == (str(user.pk), "198.51.100.7")
    again = finish_face(stored)
    assert again == stored and not again.newly_verified and asked(wechat) == 1


def test_the_query_repeats_what_began(wechat: LyingWeChat, user: Any) -> None:
    """And sends the typed name and number in their one form."""
    wide = NUMBER.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    finish_face(
        begin(user, real_name="欧\u3000阳\u200b 娜", credential_id=f"{wide[:6]} {wide[6:]}")
    )
    first, second = (call.body for call in wechat.calls if call.path in (BEGIN, QUERY))
    assert first["cert_info"] == {
        "cert_type": "IDENTITY_CARD",
        "cert_name": NAME,
        "cert_no": NUMBER,
    }
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}-1", first["out_seq_no"])
    text = "&".join(f"{k}={b64encode(v.encode()).decode()}" for k, v in first["cert_info"].items())
    assert second == {
        "verify_id": VERIFY_ID,
        "out_seq_no": first["out_seq_no"],
        "cert_hash": hashlib.sha256(text.encode()).hexdigest(),
        "openid": first["openid"],
    }
    assert first["openid"] == OPENID


WRONG = {
    "openid": ["", "13800138000"],
    "real_name": [" ", "a\nb", "\u200b", "123"],
    "credential_id": ["123", "110101209912310021"],
}


@each(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_what_cannot_be_is_refused_before_a_row_exists(
    wechat: LyingWeChat, user: Any, field: str, value: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        begin(user, **{field: value})
    assert set(refused.value.errors or {}) == {field}
    assert not Verification.objects.exists() and wechat.calls == []


# --- both tables ------------------------------------------------------------------------------

BEGIN_CODES = [(row.errcode, row.code) for row in ERRCODES if row.call == "getverifyid"]
OUTCOMES = {"mismatch": "rejected", "no_real_name": "rejected", "minor": "rejected"}
#: What is the same on every call.
SHARED = [(-1, "wechat_busy"), (45009, "quota_exhausted"), (45011, "quota_exhausted")]
SHARED += [(code, "misconfigured") for code in (40013, 40164, 41001, 43002, 61007, 40001)]
SHARED += [(94002, "wechat_error"), (12345, "wechat_error")]


def test_a_begin_that_is_refused_ends_as_the_table_says(wechat: LyingWeChat, user: Any) -> None:
    for errcode, code in [*BEGIN_CODES, *SHARED, (84022, "wechat_error")]:
        wechat.play(refuses(errcode), path=BEGIN)
        assert end(lambda: begin(user)) == code, errcode
        row = Verification.objects.latest("created_at")
        assert (row.status, row.errcode) == (OUTCOMES.get(code, "failed"), errcode)
        assert (row.error_code, row.face_encrypted, row.expires_at) == (code, None, None)
        assert row.in_doubt is False  # no token was there to be consumed
        assert finished(row) == code  # as it ended, without asking
    assert asked(wechat, QUERY) == 0
    assert len(events()) == Verification.objects.count() and faults() == []


#: What WeChat answers to a query, the code that follows, and the status of the record.
REFUSALS = [
    (row.errcode, row.code, OUTCOMES.get(row.code, "failed") if row.ends else WAITING)
    for row in ERRCODES
    if row.call == "queryverifyinfo" and row.errcode != 84022
]
REFUSALS += [(84022, "face_expired", "unknown")]
REFUSALS += [(errcode, code, WAITING) for errcode, code in [*SHARED, (84019, "wechat_error")]]
RESULTS = [(row.verify_ret, row.code or "verified", row.becomes) for row in VERDICTS]
RESULTS += [(value, "wechat_error", "unknown") for value in (10021, 1, 0, -1, 99999, 2**40)]


@pytest.mark.parametrize(("answer", "table"), [(refuses, REFUSALS), (came_to, RESULTS)])
def test_an_answer_to_a_query_ends_or_waits_as_the_table_says(
    wechat: LyingWeChat, user: Any, caplog: pytest.LogCaptureFixture, answer: Any, table: Any
) -> None:
    for said, code, becomes in table:
        caplog.clear()
        row, before = begin(user), len(events())
        wechat.play(answer(said), path=QUERY)
        assert finished(row) == code, said
        row.refresh_from_db()
        assert row.status == becomes, said
        assert bool(row.face_encrypted) == (becomes == WAITING)
        assert len(events()) - before == (becomes != WAITING)
        if answer is came_to:
            assert row.verify_ret == (said if becomes != WAITING and said < 2**31 else None)
            assert (code == "misconfigured") <= ("verdict of a face verification" in caplog.text)
        count = asked(wechat)
        wechat.play(came_to(10000), path=QUERY)
        assert finished(row) == ("verified" if becomes == WAITING else code)
        assert asked(wechat) - count == (becomes == WAITING)
    assert faults() == []


NO_NUMBERS: list[Any] = ["10000", 10000.0, 1e4, True, None, [10000], {"verify_ret": 10000}]
NEVER_PASS: list[Any] = [
    *({"errcode": 0, "verify_ret": verify_ret} for verify_ret in NO_NUMBERS),
    *({"errcode": errcode, "verify_ret": 10000} for errcode in (None, False, "0", 0.0)),
    *({"errcode": 0}, {"verify_ret": 10000}, {}, [10000]),
    b"<html>10000</html>",
    b'{"errcode": 0, "verify_ret": 10000',
    b'{"errcode": 0, "verify_ret": 10004, "verify_ret": 10000}',
    b'{"errcode": 0, "verify_ret": 10000.0, "verify_ret": 10000}',
    b'{"errcode": false, "errcode": 0, "verify_ret": 10000}',
]


def test_what_is_not_a_pass_leaves_the_record_waiting(wechat: LyingWeChat, user: Any) -> None:
    row = begin(user)
    for answer in NEVER_PASS:
        wechat.play(says(answer), path=QUERY)
        assert finished(row) == LOST, answer
        assert status() == WAITING
    wechat.play(came_to(10000, errcode=-1), path=QUERY)
    assert finished(row) == "wechat_busy" and status() == WAITING
    wechat.play(came_to(10000, errcode=84017), path=QUERY)
    assert finished(row) == "misconfigured" and status() == "failed"
    assert events() == ["exchange failed"]


def test_a_query_that_fails_on_its_way_may_be_repeated(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    row = begin(user)
    for script in (hangs_up, says(b"", 500), says(b"", 302, Location="/elsewhere")):
        wechat.play(script, path=QUERY)
        assert finished(row) == LOST
    wechat.play(refuses(40013), path=TOKEN)
    forget_access_tokens()
    assert finished(row) == "misconfigured"
    wechat.forget()
    configure(API_BASE_URL="http://127.0.0.1:1")
    assert finished(row) == LOST
    assert status() == WAITING and events() == []


# --- lost answers, and time -------------------------------------------------------------------


@pytest.mark.parametrize("lost", [hangs_up, says(b"{}"), begun(errcode=None), refuses(84019)])
def test_after_a_lost_answer_the_next_try_begins(
    wechat: LyingWeChat, user: Any, lost: Script
) -> None:
    wechat.play(lost, begun(), path=BEGIN)
    row = begin(user)
    numbers = [call.body["out_seq_no"][-2:] for call in wechat.calls if call.path == BEGIN]
    assert (row.status, numbers) == (WAITING, ["-1", "-2"])
    finish_face(row)
    assert wechat.calls[-1].body["out_seq_no"].endswith("-2")


NOT_BEGUN = [begun(verify_id) for verify_id in ("", 5, "x" * 257, None)]
NOT_BEGUN += [begun(expires_in=seconds) for seconds in (None, "3600", True, 0, 10**9)]


@pytest.mark.parametrize("lost", [hangs_up, refuses(84019), *NOT_BEGUN])
def test_when_all_answers_are_lost_it_failed(wechat: LyingWeChat, user: Any, lost: Script) -> None:
    wechat.play(lost, path=BEGIN)
    with pytest.raises(RealNameError) as failed:
        begin(user)
    assert (failed.value.code, failed.value.retry, failed.value.reached) == (LOST, "later", True)
    assert (status(), asked(wechat, BEGIN)) == ("failed", 3)
    assert events() == ["exchange failed"] and faults() == []


def test_what_wechat_never_saw_did_not_reach_it(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    configure(API_BASE_URL="http://127.0.0.1:1")
    with pytest.raises(RealNameError) as failed:
        begin(user)
    assert (failed.value.code, failed.value.reached, status()) == (LOST, False, "failed")


@pytest.mark.parametrize("first", [hangs_up, *map(refuses, (84019, -1, 40001)), says(b"{}")])
def test_what_an_earlier_try_sent_did_reach_it(
    wechat: LyingWeChat, user: Any, first: Script
) -> None:
    """Although the later try fails before it is sent: here without an access_token."""
    wechat.play(a_token, refuses(40164), path=TOKEN)
    wechat.play(doing(forget_access_tokens, first), path=BEGIN)
    with pytest.raises(RealNameError) as failed:
        begin(user)
    assert (failed.value.code, failed.value.reached) == ("misconfigured", True)
    assert asked(wechat, BEGIN) == 1 and faults() == []


@pytest.mark.parametrize(("minutes", "code"), [(69, "verified"), (71, "face_expired")])
def test_wechat_is_asked_until_ten_minutes_after_the_hour(
    wechat: LyingWeChat, user: Any, minutes: int, code: str
) -> None:
    row = begin(user)
    since = timezone.now() - timedelta(minutes=minutes)
    Verification.objects.update(started_at=since, expires_at=since + timedelta(hours=1))
    assert finished(row) == code
    assert asked(wechat) == (code == "verified")
    assert status() == ("unknown" if code == "face_expired" else code) and faults() == []


# --- minors -----------------------------------------------------------------------------------


def born(years: int, days: int = 0) -> str:
    """The number of who turns so many years old today, or in as many days."""
    day = resident_id.today() + timedelta(days=days)
    try:
        day = day.replace(year=day.year - years)
    except ValueError:  # 29 February
        day = date(day.year - years, 3, 1) if days else date(day.year - years, 2, 28)
    first = f"110101{day:%Y%m%d}123"
    return first + resident_id.check_character(first)


def test_a_minor_is_refused_before_wechat_is_asked(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    configure(MINORS="refuse")
    for number in (CHILD, born(14, days=1)):
        assert end(lambda number=number: begin(user, credential_id=number)) == "minor"
    assert wechat.calls == []
    assert set(Verification.objects.values_list("status", flat=True)) == {"rejected"}
    row = Verification.objects.all()[0]
    assert row.face_encrypted is row.credential_id_masked is row.credential_id_index is None
    assert events() == ["exchange rejected"] * 2 and faults() == []
    assert begin(user, credential_id=born(14)).status == WAITING


def test_minors_refused_meanwhile_are_not_stored(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    row = begin(user, credential_id=CHILD)
    configure(MINORS="refuse")
    assert finished(row) == "minor"
    row.refresh_from_db()
    assert (row.status, row.face_encrypted, row.real_name_masked) == ("rejected", None, None)


# --- who may, and with which settings ---------------------------------------------------------


def test_what_is_no_face_is_not_found(liar: LyingWeChat, user: Any) -> None:
    with pytest.raises(NotFound):
        finish_face(exchange(user=user, auth_token="auth-token-of-these-tests"))


def test_while_it_is_being_begun_there_is_no_result(wechat: LyingWeChat, user: Any) -> None:
    come, go = threading.Event(), threading.Event()
    wechat.play(after(go, begun(), come), path=BEGIN)

    def look() -> str:
        assert come.wait(20)
        try:
            return end(lambda: finish_face(Verification.objects.get()))
        finally:
            go.set()

    assert at_once(lambda: begin(user).status, look) == [WAITING, "exchange_in_progress"]


@pytest.mark.parametrize(
    "changes",
    [{"merchant": "other"}, {"app_id": "wx-other"}, {"user_id": None}, {"face_encrypted": None}],
    ids=str,
)
def test_a_row_that_contradicts_what_was_sealed_signs_nothing(
    wechat: LyingWeChat, user: Any, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    row = begin(user)
    Verification.objects.update(**changes)
    assert finished(row) == "internal_error"
    assert asked(wechat) == 0 and events() == [] and status() == WAITING
    assert "contradicts" in caplog.text


def test_a_sealed_column_of_another_row_signs_nothing(wechat: LyingWeChat, user: Any) -> None:
    one, other = begin(user), begin(user)
    Verification.objects.filter(pk=one.pk).update(face_encrypted=other.face_encrypted)
    assert finished(one) == "internal_error"
    assert asked(wechat) == 0 and events() == []


def test_a_missing_key_is_no_tampering(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None], caplog: Any
) -> None:
    row = begin(user)
    configure(ENCRYPTION_KEYS=[f"other:AES-256-GCM:{b64encode(b'k' * 32).decode()}"])
    assert finished(row) == "misconfigured" and status() == WAITING
    assert f"{row.pk}: ENCRYPTION_KEYS has no key" in caplog.text


def test_without_its_merchant_a_face_waits(
    wechat: LyingWeChat, user: Any, settings: Any, configure: Callable[..., None]
) -> None:
    before = settings.WX_REALNAME
    row = begin(user)
    configure(merchant={"APP_ID": "wx-another"})
    assert finished(row) == "misconfigured"
    merchants = before["MERCHANTS"]
    settings.WX_REALNAME = before | {"MERCHANTS": {"renamed": merchants["default"]}}
    assert finished(row) == "misconfigured"
    assert asked(wechat) == 0 and status() == WAITING
    settings.WX_REALNAME = before
    configure(merchant={"APP_SECRET": "a-new-secret-of-these-tests-0001"})
    assert finished(row) == "verified"


def test_masked_storage_keeps_no_ciphertext_after_the_end(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    configure(STORAGE="masked")
    finish_face(begin(user))
    row = Verification.objects.get()
    assert row.real_name_masked == "**娜"
    assert row.face_encrypted is row.real_name_encrypted is row.credential_id_encrypted is None


def test_inside_the_hosts_transaction_wechat_is_not_asked(wechat: LyingWeChat, user: Any) -> None:
    row = begin(user)
    with pytest.raises(ConfigurationError), transaction.atomic():
        finish_face(row)
    with pytest.raises(ConfigurationError), transaction.atomic():
        begin(user)
    assert asked(wechat) == 0


def test_a_merchant_without_the_button_verifies_faces(
    wechat: LyingWeChat,
    user: Any,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    merchant = settings.WX_REALNAME["MERCHANTS"]["default"]
    least = {name: merchant[name] for name in ("APP_ID", "APP_SECRET")}
    settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": {"default": least}}
    assert finish_face(begin(user)).status == "verified"
    with pytest.raises(RealNameError) as refused:
        exchange(user=user, auth_token="auth-token-of-these-tests")
    assert refused.value.code == "misconfigured" and "no MCH_ID" in caplog.text
    assert wechat.exchanges == []


# --- races, crashes, erasure ------------------------------------------------------------------


def test_six_results_at_once_are_one_event(wechat: LyingWeChat, user: Any) -> None:
    row = begin(user)
    works = [lambda: finished(Verification.objects.get(pk=row.pk))] * 6
    with heard(verification_succeeded) as succeeded, heard(verification_rejected) as rejected:
        assert set(at_once(*works)) == {"verified"}
    assert events() == ["exchange verified"] and faults() == []
    assert (len(succeeded), len(rejected)) == (1, 0)


def test_who_joins_a_query_gets_its_error() -> None:
    with pytest.raises(FaceNotFinished), single_flight.leading("a query"):
        with single_flight.leading("a query") as flight:
            assert flight
        raise FaceNotFinished
    assert isinstance(single_flight.wait_for(flight, 0), FaceNotFinished)


def test_the_first_final_write_wins(
    wechat: LyingWeChat, user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process ends the record while this one asks: no flight joins them."""
    caplog.set_level("INFO", "wx_realname.attempt")
    row = begin(user)

    def elsewhere() -> None:
        wechat.play(came_to(10004), path=QUERY)
        stored = Verification.objects.get()
        flights = single_flight._flights
        single_flight._flights = PerProcess(single_flight._Flights)
        try:
            assert end(partial(face.finish, stored.pk, audit.Origin())) == "mismatch"
        finally:
            single_flight._flights = flights

    wechat.play(doing(elsewhere, came_to(10000)), path=QUERY)
    assert finished(row) == "mismatch"
    assert ends(caplog) == 1
    assert events() == ["exchange rejected"] and status() == "rejected" and faults() == []


@pytest.mark.parametrize("deleted", [False, True], ids=["the record", "its user"])
def test_an_erasure_meanwhile_wins(wechat: LyingWeChat, user: Any, deleted: bool) -> None:
    row = begin(user)
    wipe = user.delete if deleted else partial(erase, row, actor=user, reason="withdrawn")
    wechat.play(doing(wipe, came_to(10000)), path=QUERY)
    assert finished(row) == "erased"
    stored = Verification.objects.get()
    assert (stored.status, stored.user_id is None) == ("erased", deleted)
    assert stored.face_encrypted is stored.real_name_masked is None
    assert events() == ["erase erased"] and faults() == []
    assert finished(row) == "erased"


def test_a_user_deleted_while_it_begins_leaves_nothing(wechat: LyingWeChat, user: Any) -> None:
    wechat.play(doing(user.delete, begun()), path=BEGIN)
    with pytest.raises(RealNameError) as failed:
        begin(user)
    assert (failed.value.code, failed.value.reached) == (LOST, True)
    assert status() == "erased" and Verification.objects.get().face_encrypted is None
    assert events() == ["erase erased", "exchange_superseded waiting"] and faults() == []


class Killed(BaseException):
    """The worker dies here."""


def test_killed_after_the_begin_reached_wechat(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(recording, "record", _dies)
        begin(user)
    assert status() == "pending"
    Verification.objects.update(started_at=timezone.now() - timedelta(hours=1))
    assert end(lambda: finish_face(Verification.objects.get())) == "exchange_in_progress"
    out = StringIO()
    call_command("realname_purge", stdout=out)
    assert out.getvalue().strip() == "1 pending ended, 0 erased."
    row = Verification.objects.get()
    assert (row.status, row.error_code, row.in_doubt) == ("failed", LOST, False)
    assert events() == ["exchange_abandoned failed"] and faults() == []
    assert finished(row) == LOST


def test_killed_before_the_result_was_recorded(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(user)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(recording, "record", _dies)
        finish_face(row)
    call_command("realname_purge", verbosity=0)
    assert status() == WAITING
    assert finished(row) == "verified" and asked(wechat) == 2


def _dies(*args: Any, **kwargs: Any) -> None:
    raise Killed


# --- keys -------------------------------------------------------------------------------------


def test_rotation_and_key_counts_know_a_waiting_face(
    wechat: LyingWeChat, user: Any, settings: Any, configure: Callable[..., None]
) -> None:
    row = begin(user)
    old = settings.WX_REALNAME["ENCRYPTION_KEYS"]
    new = f"new:AES-256-GCM:{b64encode(b'n' * 32).decode()}"
    configure(ENCRYPTION_KEYS=[new, *old])
    assert [key.records for key in key_use().encryption] == [0, 1] and key_use().stale == 1
    assert sum(batch.encrypted for batch in rotate_keys()) == 1
    assert [key.records for key in key_use().encryption] == [1, 0] and key_use().stale == 0
    configure(ENCRYPTION_KEYS=[new])
    assert finished(row) == "verified"


# --- nothing leaks ----------------------------------------------------------------------------


def test_nothing_planted_is_found_but_in_the_sealed_column(
    wechat: LyingWeChat,
    user: Any,
    caplog: pytest.LogCaptureFixture,
    reporter: Reporter,
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = [NAME, NUMBER, OPENID, VERIFY_ID]
    echo = " ".join([*planted, cert_hash(PersonalData(NAME, NUMBER)).reveal()])
    shown = []
    typed = f"{NAME} {NUMBER} {OPENID}"
    for script in (refuses(84014, typed), refuses(48001, typed), hangs_up):
        wechat.play(script, path=BEGIN)
        with pytest.raises(RealNameError) as failed:
            begin(user)
        shown += frames(failed.value)
    wechat.play(begun(), path=BEGIN)
    for script in (refuses(84017, echo), refuses(12345, echo), stalls, came_to(10006)):
        row = begin(user)
        shown += [repr(row), str(row)]
        wechat.play(script, path=QUERY)
        with pytest.raises(RealNameError) as failed:
            finish_face(row)
        shown += frames(failed.value)
    tables = ("verification", "auditevent", "consent", "auditseal", "hourlystatistic")
    with connections["default"].cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM wx_realname_{table}")  # noqa: S608
            shown += [repr(line) for line in cursor.fetchall()]
    everything = "\n".join([caplog.text, *shown, *reporter.told])
    for secret in [*planted, cert_hash(PersonalData(NAME, NUMBER)).reveal()]:
        assert secret not in everything
    urls = [json.dumps(call.query) + call.path for call in wechat.calls]
    assert not any(secret in url for secret in planted for url in urls)


def test_it_is_sealed_to_its_row(wechat: LyingWeChat, user: Any) -> None:
    row = begin(user)
    assert row.face_encrypted
    opened = json.loads(encrypted_field("face_encrypted").open(row.face_encrypted, row.pk))
    assert opened == {
        "verify_id": VERIFY_ID,
        "out_seq_no": opened["out_seq_no"],
        "openid": OPENID,
        "app_id": row.app_id,
        "user_id": str(user.pk),
        "merchant": "default",
        "real_name": NAME,
        "credential_id": NUMBER,
    }


# --- against the local WeChat -----------------------------------------------------------------


def test_over_real_http_the_server_decides_not_the_phone(sandbox: Sandbox, user: Any) -> None:
    for verify_ret, code in [(10000, "verified"), (10004, "mismatch"), (90002, "face_cancelled")]:
        row = begin(user)
        assert finished(row) == "face_not_finished"
        sandbox.show_face(str(row.verify_id), verify_ret)
        assert finished(row) == code
    assert faults() == []


def test_the_same_from_async_code(wechat: LyingWeChat, user: Any) -> None:
    async def verified() -> str:
        row = await abegin_face(user=user, openid=OPENID, real_name=NAME, credential_id=NUMBER)
        exchanged = await aexchange(user=user, auth_token="auth-token-of-these-tests")
        return f"{exchanged.status} {(await afinish_face(row)).status}"

    assert async_to_sync(verified)() == "verified verified"
