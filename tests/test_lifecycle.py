"""The end of personal data: erased on request, with its user, by realname_purge; never brought back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import pre_delete
from django.test import RequestFactory
from django.utils import timezone

from tests.conftest import (
    at_once,
    brought_to,
    code,
    events,
    heard,
    make_stuck,
    outcome,
    sign_anew,
)
from tests.lying_wechat import LyingWeChat, after, identity, refuses
from tests.settings import WX_REALNAME
from tests.trail import call, faults
from wx_realname.audit import Origin
from wx_realname.exceptions import (
    ConfigurationError,
    ExchangeInProgress,
    InvalidRequest,
    OutcomeUnknown,
)
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import erase, exchange
from wx_realname.services.rights.erasure import erase_all
from wx_realname.services.upkeep.purge import end_stuck, erase_outlived
from wx_realname.signals import verification_erased, verification_succeeded

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
PERSONAL = [
    field.name
    for field in Verification._meta.get_fields()
    if field.name.startswith(("real_name", "credential_id", "check_digit"))
]


def personal(row: Verification) -> dict[str, Any]:
    """What is left of a person in the stored row."""
    stored = Verification.objects.filter(pk=row.pk).values(*PERSONAL).get()
    return {name: value for name, value in stored.items() if value is not None}


# --- erase ------------------------------------------------------------------------------------


def test_erasing_leaves_the_row_and_its_trail_and_nothing_of_the_person(
    row: Verification, stranger: Any
) -> None:
    before = Verification.objects.values().get()
    assert sorted(personal(row)) == sorted(PERSONAL)
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::7")
    erase(row, actor=stranger, reason="consent withdrawn", request=request)
    left = Verification.objects.values().get()
    assert personal(row) == {}
    assert left["erased_at"]
    changed = {"status", "erased_at", "index_key_id", *PERSONAL}
    assert {name for name in left if left[name] != before[name]} == changed
    assert events() == ["exchange verified", "erase erased"]
    event = AuditEvent.objects.get(event="erase")
    assert (event.actor_id, event.user_id) == (str(stranger.pk), str(row.user_id))
    assert (event.reason, event.ip_address) == ("consent withdrawn", "2001:db8::7")


@pytest.mark.parametrize("status", ["rejected", "failed", "unknown"])
def test_without_personal_data_nothing_is_erased(liar: LyingWeChat, user: Any, status: str) -> None:
    row = brought_to(status, liar, user)
    erase(row, actor=user, reason="a test")
    assert (Verification.objects.get().status, events()) == (status, [f"exchange {status}"])


def test_what_is_pending_is_not_erased(liar: LyingWeChat, user: Any) -> None:
    row = brought_to("pending", liar, user)
    with pytest.raises(ExchangeInProgress) as refused:
        erase(row, actor=user, reason="a test")
    assert (refused.value.verification_id, events()) == (row.pk, [])


def test_between_audit_keys_and_the_seal_that_records_them_nothing_is_erased(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    """All records seem to contradict their outcomes then, and an erasure would be vouched for by nothing."""
    configure(AUDIT_KEYS=None)
    exchange(user=user, auth_token="a-token")
    call("realname_seal_audit")
    configure(AUDIT_KEYS=WX_REALNAME["AUDIT_KEYS"])
    refused = pytest.raises(ConfigurationError, match="run realname_seal_audit before")
    with refused, transaction.atomic():
        user.delete()
    assert Verification.objects.get().status == "verified"
    call("realname_seal_audit")
    user.delete()
    assert Verification.objects.get().status == "erased" and faults() == []


def test_erasing_inside_the_callers_transaction_is_undone_with_it(
    row: Verification, user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    hearing, capturing = (
        heard(verification_erased),
        django_capture_on_commit_callbacks(execute=True),
    )
    with hearing as sent, capturing, pytest.raises(ZeroDivisionError), transaction.atomic():
        erase(row, actor=user, reason="a test")
        raise ZeroDivisionError
    assert (Verification.objects.get().status, sent) == ("verified", [])
    assert events() == ["exchange verified"]


def test_erasing_is_told_once_after_the_commit_and_erasing_again_does_nothing(
    row: Verification, user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with heard(verification_erased) as sent, django_capture_on_commit_callbacks(execute=True):
        erase(row, actor=None, reason="once")
        at = Verification.objects.get().erased_at
        erase(row, actor=None, reason="twice")
        assert sent == []
    assert (Verification.objects.get().erased_at, events().count("erase erased")) == (at, 1)
    assert [(each["verification"].pk, each["user"]) for each in sent] == [(row.pk, user)]
    assert sent[0]["verification"].status == "erased"
    assert sent[0]["verification"].real_name_masked is None


# --- the user is deleted ----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["verified", "pending"])
def test_with_its_user_the_personal_data_goes_and_the_row_stays(
    liar: LyingWeChat, user: Any, stranger: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    others = exchange(user=stranger, auth_token="another-token")
    user.delete()
    row.refresh_from_db()
    assert (row.user_id, row.status, personal(row)) == (None, "erased", {})
    event = AuditEvent.objects.get(event="erase")
    assert (event.verification_id, event.reason) == (row.pk, "the user was deleted")
    assert event.user_id and event.actor_id == ""
    assert len(personal(others)) == len(PERSONAL)


@pytest.mark.parametrize("status", ["rejected", "failed", "unknown", "erased"])
def test_with_its_user_a_row_without_personal_data_stays_as_it_is(
    liar: LyingWeChat, user: Any, stranger: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    before = events()
    user.delete()
    row.refresh_from_db()
    assert (row.user_id, row.status, events()) == (None, status, before)
    assert code(stranger) == "auth_token_in_use"


def test_a_deletion_that_is_rolled_back_erases_nothing(row: Verification, user: Any) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        User.objects.filter(pk=user.pk).delete()
        raise ZeroDivisionError
    assert Verification.objects.get().user == user
    assert len(personal(row)) == len(PERSONAL)
    assert events() == ["exchange verified"]


@pytest.mark.django_db(transaction=True)
def test_an_answer_for_a_user_deleted_meanwhile_is_thrown_away(
    liar: LyingWeChat, user: Any
) -> None:
    reached, gone = threading.Event(), threading.Event()
    liar.play(after(gone, identity(), reached))

    def delete() -> None:
        reached.wait(20)
        User.objects.filter(pk=user.pk).delete()
        gone.set()

    with heard(verification_succeeded) as sent:
        came, _ = at_once(partial(outcome, user), delete)
    assert isinstance(came, OutcomeUnknown)
    row = Verification.objects.get()
    assert (row.user_id, row.status, personal(row)) == (None, "erased", {})
    assert [event.split()[0] for event in events()] == ["erase", "exchange_superseded"]
    assert sent == []


# --- late answers -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("then", ["verified", "erased", "rejected", "unknown", "purged"])
def test_a_late_answer_overwrites_nothing(liar: LyingWeChat, user: Any, then: str) -> None:
    reached, over = threading.Event(), threading.Event()
    second = {"rejected": refuses(94004), "unknown": refuses(94005)}.get(then, identity())
    liar.play(after(over, identity(name="迟到者"), reached), second)
    kept: list[Any] = []

    def overtake() -> None:
        reached.wait(20)
        make_stuck()
        list(end_stuck()) if then == "purged" else outcome(user)
        if then == "erased":
            erase(Verification.objects.get(), actor=user, reason="a test")
        kept.extend(Verification.objects.values())
        over.set()

    with heard(verification_succeeded) as sent:
        late, _ = at_once(partial(outcome, user), overtake)
    assert isinstance(late, OutcomeUnknown)
    assert list(Verification.objects.values()) == kept
    assert kept[0]["status"] == ("unknown" if then == "purged" else then)
    assert events()[-1] == "exchange_superseded verified"
    assert all(each["verification"].real_name_masked != "**者" for each in sent)


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_leaves_a_newer_attempt_that_is_still_running_alone(
    liar: LyingWeChat, user: Any
) -> None:
    reached, running, late, over = (threading.Event() for _ in range(4))
    slow = after(over, identity(name="张三"), running)
    liar.play(after(late, identity(name="迟到者"), reached), slow)

    def overtake() -> str:
        reached.wait(20)
        make_stuck()
        return code(user)

    def first() -> str:
        came = code(user)
        over.set()
        return came

    def let_the_late_one_end() -> None:
        running.wait(20)
        late.set()

    assert at_once(first, overtake, let_the_late_one_end)[:2] == ["outcome_unknown", "verified"]
    assert Verification.objects.get().real_name_masked == "*三"
    abandoned, superseded, ended = events()
    assert abandoned == "exchange_abandoned unknown"
    assert (superseded, ended) == ("exchange_superseded verified", "exchange verified")


# --- realname_purge ---------------------------------------------------------------------------


def purge(**options: Any) -> str:
    return call("realname_purge", **options).strip()


def many(liar: LyingWeChat, user: Any, count: int, days: float = 0) -> list[Verification]:
    """So many verified records, that old."""
    rows = [exchange(user=user, auth_token=f"token-{days}-{n}") for n in range(count)]
    at = timezone.now() - timedelta(days=days)
    Verification.objects.filter(pk__in=[row.pk for row in rows]).update(verified_at=at)
    sign_anew(*rows)
    return rows


@pytest.mark.parametrize(("age", "status"), [(119, "pending"), (121, "unknown")])
def test_purge_ends_what_is_pending_longer_than_the_timeout(
    liar: LyingWeChat, user: Any, age: int, status: str
) -> None:
    brought_to("pending", liar, user)
    Verification.objects.update(started_at=timezone.now() - timedelta(seconds=age))
    ended = int(status == "unknown")
    assert purge(dry_run=True) == f"{ended} pending would be ended, 0 would be erased."
    assert Verification.objects.get().status == "pending"
    assert purge() == f"{ended} pending ended, 0 erased."
    row = Verification.objects.get()
    assert (row.status, row.in_doubt) == (status, bool(ended))
    assert events() == ["exchange_abandoned unknown"] * ended
    liar.play(refuses(94005))
    assert code(user) == ("outcome_unknown" if ended else "exchange_in_progress")


@pytest.mark.parametrize(("days", "age", "erased"), [(30, 29.9, 0), (30, 30.1, 3), (None, 999, 0)])
def test_purge_erases_what_is_older_than_the_retention(
    liar: LyingWeChat, user: Any, configure: Configure, days: int | None, age: float, erased: int
) -> None:
    configure(RETENTION_DAYS=days)
    rows = many(liar, user, 3, age)
    assert purge(dry_run=True) == f"0 pending would be ended, {erased} would be erased."
    assert Verification.objects.filter(status="verified").count() == 3
    assert purge(batch_size=2) == f"0 pending ended, {erased} erased."
    assert [len(personal(row)) for row in rows] == [0 if erased else len(PERSONAL)] * 3
    assert purge() == "0 pending ended, 0 erased."
    reasons = AuditEvent.objects.filter(event="erase").values_list("reason", flat=True)
    assert list(reasons) == ["RETENTION_DAYS"] * erased


def test_purge_can_be_stopped_and_run_again(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(RETENTION_DAYS=1)
    many(liar, user, 5, days=2)
    stopped = erase_outlived(batch_size=2)
    next(stopped)
    stopped.close()
    assert purge() == "0 pending ended, 3 erased."
    assert events().count("erase erased") == 5


def test_of_a_batch_only_what_still_held_something_is_told(liar: LyingWeChat, user: Any) -> None:
    rows = many(liar, user, 3)
    erase(rows[1], actor=None, reason="somebody was faster")
    assert erase_all(rows, Origin(), "late", "default") == [rows[0], rows[2]]
    reasons = AuditEvent.objects.filter(event="erase").values_list("reason", flat=True)
    assert sorted(reasons) == ["late", "late", "somebody was faster"]
    assert not erase_all(rows, Origin(), "later still", "default")


def test_purge_erases_what_a_delete_in_plain_sql_left_and_counts_no_record_twice(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(RETENTION_DAYS=1)
    old, young = many(liar, user, 3, days=2)[0], many(liar, user, 1)[0]
    Verification.objects.filter(pk__in=[old.pk, young.pk]).update(user=None)
    assert purge(dry_run=True) == "0 pending would be ended, 4 would be erased."
    assert purge() == "0 pending ended, 4 erased."
    assert purge() == "0 pending ended, 0 erased."


@pytest.mark.django_db(transaction=True)
def test_purge_may_run_twice_at_once(liar: LyingWeChat, user: Any, configure: Configure) -> None:
    configure(RETENTION_DAYS=1)
    many(liar, user, 24, days=2)
    half = [row.pk for row in Verification.objects.all()[:12]]
    started = timezone.now() - timedelta(days=1)
    Verification.objects.filter(pk__in=half).update(status="pending", started_at=started)
    AuditEvent.objects.filter(verification_id__in=half).delete()
    came = at_once(*[partial(purge, batch_size=3)] * 3)
    counts = [[int(number) for number in re.findall(r"\d+", said)] for said in came]
    assert [sum(column) for column in zip(*counts, strict=True)] == [12, 12]
    assert events().count("erase erased") == events().count("exchange_abandoned unknown") == 12


# --- records that lost their user -------------------------------------------------------------


def test_what_was_verified_while_its_user_was_being_deleted_is_erased(
    row: Verification, user: Any
) -> None:
    kept = dict(Verification.objects.values().get())

    def exchange_ends(sender: object, **kwargs: object) -> None:
        Verification.objects.filter(pk=row.pk).update(**kept)

    pre_delete.connect(exchange_ends, sender=User)
    try:
        user.delete()
    finally:
        pre_delete.disconnect(exchange_ends, sender=User)
    after = Verification.objects.get()
    assert (after.user_id, after.status, personal(after)) == (None, "erased", {})


@pytest.mark.parametrize("reason", ["\0", "\ud800", "x" * 256, None])
def test_a_reason_that_no_database_takes_is_refused_before_anything_is_erased(
    row: Verification, user: Any, reason: Any
) -> None:
    with pytest.raises(InvalidRequest):
        erase(row, actor=user, reason=reason)
    assert len(personal(row)) == len(PERSONAL)
