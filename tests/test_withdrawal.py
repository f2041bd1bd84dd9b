"""Withdrawing meanwhile: attempts that are pending, faces that wait, another withdrawal."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections
from django.db.models.signals import pre_delete
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, another, at_once, heard, make_stuck
from tests.lying_wechat import BEGIN, NAME, NUMBER, QUERY, LyingWeChat, after, doing, identity, says
from tests.trail import faults
from wx_realname import audit
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.services import begin_face, consent_to, exchange, finish_face, withdraw
from wx_realname.services.rights import withdrawal
from wx_realname.signals import verification_erased

pytestmark = pytest.mark.django_db(transaction=True)
PERSONAL = [
    field.name
    for field in Verification._meta.fields
    if field.name.startswith(("real_name", "credential_id", "check_digit", "face_encrypted"))
]


def consent() -> Consent:
    return Consent.objects.select_related("notice").latest("given_at")


def done(*works: Callable[[], Any]) -> None:
    """All at once, and none fails."""
    came = at_once(*works)
    assert not [each for each in came if isinstance(each, Exception)], came


def begun(liar: LyingWeChat, user: Any, notice: Notice, meanwhile: Any = None) -> Verification:
    """A face, and what is done while WeChat is asked for it."""
    answer = says({"errcode": 0, "errmsg": "", "verify_id": "v", "expires_in": 3600})
    liar.play(doing(meanwhile, answer) if meanwhile else answer, path=BEGIN)
    return begin_face(
        user=user, openid="oCitizen", real_name=NAME, credential_id=NUMBER, notice=notice.pk
    )


def personal() -> list[Any]:
    """Whatever is left of anybody."""
    rows = Verification.objects.values_list(*PERSONAL)
    return [value for row in rows for value in row if value is not None]


def test_an_attempt_that_is_pending_ends_without_personal_data(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    liar.play(doing(lambda: withdraw(consent(), user=user), identity()))
    row = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    assert (row.status, row.newly_verified, row.real_name_masked) == ("erased", False, None)
    assert personal() == [] and Verification.objects.get().status == "erased"
    assert exchange(user=user, auth_token=AUTH_TOKEN).status == "erased"  # WeChat isn't asked again
    assert len(liar.exchanges) == 1 and faults() == []


def test_a_face_that_waits_is_erased(liar: LyingWeChat, user: Any, notice: Notice) -> None:
    row = begun(liar, user, notice)
    assert row.status == "waiting" and personal()
    withdraw(consent(), user=user)
    assert personal() == [] and Verification.objects.get().status == "erased"
    asked = len(liar.calls)
    assert finish_face(row).status == "erased" and len(liar.calls) == asked
    assert faults() == []


def test_a_face_waits_no_longer_than_its_own_consent(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    """Whatever other purpose the citizen still consents to; what that one needs stays."""
    other = exchange(user=user, auth_token=AUTH_TOKEN, notice=another(notice, purpose="pension").pk)
    row = begun(liar, user, notice)
    withdraw(consent(), user=user)
    assert finish_face(row).status == "erased"
    assert Verification.objects.get(pk=other.pk).status == "verified" and faults() == []


def test_a_face_withdrawn_while_its_result_is_asked_for_is_erased(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN, notice=another(notice, purpose="pension").pk)
    kept = len(personal())
    row = begun(liar, user, notice)
    mark = Consent.objects.filter(pk=row.consent_id).update
    passed = says({"errcode": 0, "errmsg": "", "verify_ret": 10000})
    liar.play(doing(lambda: mark(withdrawn_at=timezone.now()), passed), path=QUERY)
    with heard(verification_erased) as sent:
        ended = finish_face(row)
    assert (ended.status, ended.newly_verified, len(sent)) == ("erased", False, 1)
    assert finish_face(row).status == "erased" and len(personal()) == kept


def test_a_face_begun_while_it_is_withdrawn_keeps_nothing(
    liar: LyingWeChat, user: Any, notice: Notice, caplog: pytest.LogCaptureFixture
) -> None:
    row = begun(liar, user, notice, meanwhile=lambda: withdraw(consent(), user=user))
    assert (row.status, row.verify_id, row.newly_verified) == ("erased", None, False)
    assert personal() == [] and faults() == [] and "contradicts" not in caplog.text
    asked = len(liar.calls)
    assert finish_face(row).status == "erased" and len(liar.calls) == asked


def test_two_withdrawals_at_once_leave_one_event(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    one = consent()
    done(*[lambda: withdraw(one, user=user)] * 4)
    assert AuditEvent.objects.filter(event="consent_withdrawn").count() == 1
    assert AuditEvent.objects.filter(event="erase").count() == 1
    assert personal() == [] and faults() == []


def test_a_withdrawal_races_with_the_end_of_an_attempt(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    for n in range(6):
        go, reached = threading.Event(), threading.Event()
        liar.play(after(go, identity(), reached))

        def attempt(n: int = n) -> Any:
            return exchange(user=user, auth_token=f"{AUTH_TOKEN}-{n}", notice=notice.pk)

        def withdrawn(go: threading.Event = go, reached: threading.Event = reached) -> Any:
            reached.wait(20)
            go.set()
            return withdraw(consent(), user=user)

        done(attempt, withdrawn)
        assert not Consent.objects.filter(withdrawn_at=None).exists()
        assert personal() == [], n
    assert faults() == []


# --- as a whole or not at all -----------------------------------------------------------------


def kill(*args: Any, **kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "step"),
    [(withdrawal, "erase_all"), (audit, "append_outcomes"), (withdrawal.durable, "__exit__")],
    ids=["the consent is withdrawn", "the record is erased", "nothing is committed"],
)
def test_a_withdrawal_that_is_killed_halfway_leaves_nothing_half_done(
    liar: LyingWeChat,
    user: Any,
    notice: Notice,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    one = consent()
    connections.close_all()  # a connection isn't the child's to use
    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(module, step, kill)
            withdraw(one, user=user)
        finally:
            os._exit(1)  # the rest of the suite isn't the child's
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert consent().withdrawn_at is None and Verification.objects.get().status == "verified"
    assert faults() == []
    withdraw(one, user=user)
    assert personal() == [] and faults() == []
    assert AuditEvent.objects.filter(event="consent_withdrawn").count() == 1


def test_two_purposes_withdrawn_at_once_leave_nothing_personal(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    pension = another(notice, purpose="pension")
    for n in range(4):
        exchange(user=user, auth_token=f"{AUTH_TOKEN}-{n}", notice=notice.pk)
        consent_to(user=user, notice=pension.pk)
        both = Consent.objects.filter(withdrawn_at=None).select_related("notice")
        done(*[lambda each=each: withdraw(each, user=user) for each in both])
        assert personal() == [], n
    assert faults() == []


def withdrawn(user: Any, notice: Notice) -> Any:
    return withdraw(consent(), user=user)


def tried_again(user: Any, notice: Notice) -> Any:
    """After a crash: the record is taken over, with a consent of its own."""
    with suppress(RealNameError):  # the user is gone
        return exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)


@pytest.mark.parametrize("meanwhile", [withdrawn, tried_again])
def test_a_users_deletion_waits_for_nobody_who_waits_for_it(
    liar: LyingWeChat, user: Any, notice: Notice, meanwhile: Callable[..., Any]
) -> None:
    """Records and consents were locked in the one order here, in the other there: a deadlock."""
    exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    half_done = threading.Event()

    def deleted() -> Any:
        return type(user).objects.get(pk=user.pk).delete()

    def done_meanwhile() -> Any:
        half_done.wait(20)
        return meanwhile(user, notice)

    def pause(**kwargs: Any) -> None:
        half_done.set()
        time.sleep(0.5)  # for the other to come as far as it can

    if meanwhile is tried_again:
        make_stuck()
    pre_delete.connect(pause, sender=type(user))  # after the app's own receiver
    try:
        done(deleted, done_meanwhile)
    finally:
        pre_delete.disconnect(pause, sender=type(user))
    assert personal() == [] and faults() == []
