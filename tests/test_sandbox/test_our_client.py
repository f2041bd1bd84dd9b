"""Our own client against every fault of the sandbox: what the interface promises, and no false name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import settings as test_settings
from tests.conftest import Reporter, forget_access_tokens, frames, outcome
from tests.lying_wechat import NAME, NUMBER
from tests.test_errcodes import INTERFACE
from wx_realname.exceptions import RealNameError
from wx_realname.models import Verification
from wx_realname.sandbox import Citizen, LedgerEntry, Merchant, Sandbox
from wx_realname.sandbox.faults import quirks
from wx_realname.sandbox.faults.fault import REALNAME, Fault
from wx_realname.sandbox.faults.table import FAULTS
from wx_realname.wechat import client
from wx_realname.wechat.errcodes import Call

pytestmark = pytest.mark.django_db
TOKEN = "stable_token"
FIRST_NUMBER = "11010119900307561X"

BY_GROUP = {
    "lost": "outcome_unknown",
    "garbled": "outcome_unknown",
    "unreadable": "unreadable_answer",
    "quirk": "verified",
    "slow": "verified",
    "clock": "misconfigured",
    "token": "misconfigured",  # it dies again, with every try
}
BY_NAME = {
    "busy": "wechat_busy",
    "busy_after_consumption": "wechat_busy",  # every try gets -1; and the record is in doubt
    "unknown_errcode": "wechat_error",
}
FORCING = ("errcode_40001", "errcode_40014", "errcode_42001", "dead_token_repeated")


def means(call: Call, errcode: int) -> str:
    """What the interface says of a return code; one that it doesn't name is `wechat_error`."""
    codes = (code for code, those in INTERFACE[call].items() if errcode in those)
    return next(codes, "wechat_error")


def promised(fault: Fault) -> str:
    """What interface.md says of an exchange whose every answer is spoilt by the fault."""
    if fault.group == "refusal" and fault.name != "busy":
        return means("api", int(fault.name.removeprefix("errcode_")))
    if fault.name.startswith(("errmsg_", "huge_errmsg")):
        return "quota_exhausted"
    return BY_NAME.get(fault.name) or BY_GROUP[fault.group]


def promised_of_token(fault: Fault) -> str:
    """The same where the fault meets the token call: nothing of the citizen's was sent."""
    if fault.group == "refusal" and fault.name != "busy":
        return means("token", int(fault.name.removeprefix("errcode_")))
    if fault.name == "busy_after_consumption":
        return "wechat_busy"
    if fault.group in ("lost", "garbled", "unreadable"):
        return "wechat_unreachable"
    if fault.group in ("clock", "token"):
        return "verified"
    return promised(fault)


def faults_of(call: str) -> list[Any]:
    """The faults that the call can meet."""
    return [pytest.param(fault, id=fault.name) for fault in FAULTS.values() if call in fault.calls]


class LateClock:
    """The time, and as many seconds as were skipped: WeChat is forced every 30 s at the most."""

    skipped = 0.0

    def __call__(self) -> float:
        return time.time() + self.skipped


@pytest.fixture(scope="module")
def clock() -> LateClock:
    return LateClock()


@pytest.fixture(scope="module")
def spoilt(clock: LateClock) -> Iterator[Sandbox]:
    """A sandbox of this module's own: what is done to its access tokens outlives a test."""
    merchants: Any = test_settings.WX_REALNAME["MERCHANTS"]
    app_id, secret, mch_id = (merchants["default"][n] for n in ("APP_ID", "APP_SECRET", "MCH_ID"))
    merchant = Merchant(app_id, secret, mch_id, (test_settings.merchant_key.certificate_pem,))
    with Sandbox([merchant], clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def wechat(
    spoilt: Sandbox,
    clock: LateClock,
    configure: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Sandbox]:
    """Made good again after each test, and as many seconds later as forcing wants."""
    configure(API_BASE_URL=spoilt.url)
    monkeypatch.setattr(client, "BACK_OFF", 0.01)
    monkeypatch.setattr(quirks, "IDLE", 0.0)
    spoilt.reset_ledger()
    forget_access_tokens()
    yield spoilt
    met = {(entry.call, entry.fault) for entry in spoilt.ledger}
    clock.skipped += 31 * any((REALNAME, name) in met for name in FORCING)
    time.sleep(0.1 * any(name == "keep_alive_broken" for _, name in met))  # until it has closed
    spoilt.clear_faults()
    spoilt.expire_access_tokens()


def configure_for(fault: Fault, configure: Callable[..., None]) -> None:
    """Little patience where nothing but a time-out ends the call."""
    if fault.group == "lost" or fault.name == "content_length_too_long":
        configure(READ_TIMEOUT=0.4, TOTAL_TIMEOUT=0.6)


def exchanges(wechat: Sandbox) -> list[LedgerEntry]:
    """The entry of a call is written when its answer is delivered, or nobody waits for it any more."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if entries := [entry for entry in wechat.ledger if entry.call == REALNAME]:
            return entries
        time.sleep(0.005)
    return []


def code_of(came: Any) -> str:
    return str(came.code if isinstance(came, RealNameError) else came.status)


def assert_shows_nothing(came: Any, reporter: Reporter, auth_token: str) -> None:
    """Neither in the exception and the frames behind it, nor in a log."""
    told = reporter.told + (list(frames(came)) if isinstance(came, RealNameError) else [])
    assert not [said for said in told if any(s in said for s in (auth_token, NAME, NUMBER))]


def assert_told_the_truth(came: Any, row: Verification, *, consumed: bool) -> None:
    """No name but the citizen's own; and nobody says "surely not consumed" of what was."""
    if row.status == "verified":
        held = row.personal_data()
        assert held
        assert (held.real_name, held.credential_id) == (NAME, NUMBER)
    else:
        assert row.real_name_encrypted is None
    assert not (consumed and row.status in ("failed", "rejected") and not row.in_doubt)


@pytest.mark.parametrize("fault", faults_of(REALNAME))
def test_a_fault_of_the_exchange_ends_as_promised(
    wechat: Sandbox, user: Any, configure: Callable[..., None], reporter: Reporter, fault: Fault
) -> None:
    configure_for(fault, configure)
    auth_token = wechat.issue_auth_token(Citizen(NAME, NUMBER, fault=fault.name))
    came = outcome(user, auth_token)
    row = Verification.objects.get()
    assert row.status == getattr(came, "outcome", "verified")
    assert_shows_nothing(came, reporter, auth_token)
    first, *later = exchanges(wechat)
    assert first.fault == fault.name
    assert first.consumed is fault.consumes
    consumed = any(entry.consumed for entry in (first, *later))
    assert_told_the_truth(came, row, consumed=consumed)
    assert code_of(came) == promised(fault)
    assert not [entry for entry in wechat.ledger if entry.call == "unknown"]


@pytest.mark.parametrize("fault", faults_of(TOKEN))
def test_a_fault_of_the_token_call_ends_as_promised(
    wechat: Sandbox, user: Any, configure: Callable[..., None], reporter: Reporter, fault: Fault
) -> None:
    configure_for(fault, configure)
    wechat.fault(fault.name, TOKEN, 1 if fault.group == "token" else 9)
    auth_token = wechat.issue_auth_token(Citizen(NAME, NUMBER))
    came = outcome(user, auth_token)
    assert Verification.objects.get().status == getattr(came, "outcome", "verified")
    assert_shows_nothing(came, reporter, auth_token)
    assert wechat.ledger[0].fault == fault.name
    if fault.name == "keep_alive_broken":  # the exchange may go into the connection that closes
        assert code_of(came) in ("verified", "outcome_unknown")
        return
    assert code_of(came) == promised_of_token(fault)
    if code_of(came) != "verified":
        assert not [entry for entry in wechat.ledger if entry.call == REALNAME]


@pytest.mark.parametrize("name", ["answer_twice", "content_length_too_short"])
def test_what_is_left_in_a_connection_reaches_nobody_else(
    wechat: Sandbox, user: Any, stranger: Any, name: str
) -> None:
    outcome(user, wechat.issue_auth_token(Citizen("先来", FIRST_NUMBER, fault=name)))
    time.sleep(0.1)  # what was too much arrives
    came = outcome(stranger, wechat.issue_auth_token(Citizen(NAME, NUMBER)))
    assert code_of(came) == "verified"
    assert came.personal_data().real_name == NAME
