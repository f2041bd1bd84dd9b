"""The trail's end: what may go goes, what somebody else removed from an old seal is found all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, at_once
from tests.lying_wechat import LyingWeChat
from tests.test_keeping import aged
from tests.trail import call, faults
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import erase, exchange, reveal
from wx_realname.services.upkeep.expiry import expire

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(liar: LyingWeChat, user: Any) -> list[Verification]:
    """Three records in a seal of four years ago; one was erased, another looked at thrice."""
    made = [exchange(user=user, auth_token=f"{AUTH_TOKEN}-{n}") for n in range(3)]
    for _ in range(3):
        reveal(made[0], actor=user, reason="long ago")
    erase(made[1], actor=user, reason="asked")
    call("realname_seal_audit")
    aged(4)
    return made


def before() -> Any:
    return timezone.now() - timedelta(days=1200)


def test_a_run_that_was_stopped_and_gone_on_with_leaves_a_trail_that_verifies(
    rows: list[Verification],
) -> None:
    stopped = expire(before(), batch_size=2)
    assert next(stopped) == 2
    stopped.close()  # type: ignore[attr-defined]
    assert faults() == []
    assert list(expire(before(), batch_size=2)) == [2, 2]
    assert faults() == []
    call("realname_seal_audit")
    assert faults() == []
    assert list(expire(before())) == []


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_remove_each_event_once(rows: list[Verification]) -> None:
    done = at_once(*[lambda: sum(expire(before(), batch_size=1))] * 2)
    assert all(isinstance(each, int) for each in done) and sum(done) == 6
    assert faults() == []


def test_what_else_is_removed_from_an_old_seal_is_found(rows: list[Verification]) -> None:
    """A database role without keys: the limit alone let any event of an old seal go."""
    list(expire(before()))
    made_erased(rows[0])
    AuditEvent.objects.filter(event="exchange", seal=1, verification_id=rows[0].pk).delete()
    assert any("was removed" in fault for fault in faults())


def test_an_event_of_expiry_for_another_seal_or_set_vouches_for_nothing(
    rows: list[Verification],
) -> None:
    list(expire(before()))
    AuditEvent.objects.filter(event="expiry", reason="events of seal 1").update(
        reason="events of seal 2"
    )
    assert sum("of seal 1 was removed" in fault for fault in faults()) == 6


def test_a_limit_in_the_future_covers_nothing_that_is_still_to_come(
    rows: list[Verification],
) -> None:
    assert sum(expire(timezone.now() + timedelta(days=5), force=True))
    assert faults() == []
    now = {"created_at": timezone.now(), "started_at": timezone.now(), "erased_at": timezone.now()}
    Verification.objects.create(token_digest="forged", status="erased", **now)
    assert faults() != []


def test_a_run_that_removes_nothing_signs_no_limit(
    rows: list[Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError("append-only")

    monkeypatch.setattr("wx_realname.audit.append_removal", refuses)
    with pytest.raises(DatabaseError):
        list(expire(before()))
    assert not AuditEvent.objects.filter(event="expiry").exists()


def test_a_dry_run_refuses_what_the_run_would_refuse(rows: list[Verification]) -> None:
    with pytest.raises(CommandError, match="three years"):
        call("realname_expire_audit", "--before", f"{timezone.localdate()}", "--dry-run")


def test_what_expired_is_still_in_the_statistics(rows: list[Verification]) -> None:
    usage = ("realname_usage", "--days", "3000")
    counted = call(*usage)
    assert sum(expire(before()))
    assert call(*usage, "--recount") == counted


def test_an_event_that_is_kept_may_not_be_changed(rows: list[Verification]) -> None:
    list(expire(before()))
    AuditEvent.objects.filter(event="exchange", seal=1).update(actor_id="other")
    assert any("was changed" in fault for fault in faults())


def made_erased(row: Verification) -> None:
    """By SQL alone, with a time that is long past."""
    Verification.objects.filter(pk=row.pk).update(
        status="erased", erased_at=timezone.now() - timedelta(days=1400)
    )


def removed(row: Verification) -> None:
    Verification.objects.filter(pk=row.pk).delete()


def given_to_another_merchant(row: Verification) -> None:
    Verification.objects.filter(pk=row.pk).update(merchant="another")


@pytest.mark.parametrize(
    ("attack", "which", "others"),
    [(made_erased, 0, 6), (removed, 0, 6), (removed, 1, 4), (given_to_another_merchant, 1, 4)],
)
def test_a_record_that_its_last_outcome_does_not_bear_out_keeps_its_trail(
    rows: list[Verification], attack: Any, which: int, others: int
) -> None:
    """Else the outcomes would go, and with them all that tells of the tampering."""
    id_ = rows[which].pk
    outcomes = AuditEvent.objects.filter(verification_id=id_, event__in=("exchange", "erase"))
    kept = list(outcomes)
    attack(rows[which])
    assert any(str(id_) in fault for fault in faults())
    assert sum(expire(before(), batch_size=1)) == others
    assert list(outcomes) == kept
    assert any(str(id_) in fault for fault in faults())


def taken_away(row: Verification) -> None:
    """By SQL alone: a record and all its events, sealed ones too."""
    AuditEvent.objects.filter(verification_id=row.pk).delete()
    row.delete()


def after_a_run(rows: list[Verification]) -> None:
    assert next(expire(before(), batch_size=2)) == 2
    taken_away(rows[2])


def before_the_first_run(rows: list[Verification]) -> None:
    taken_away(rows[2])


@pytest.mark.parametrize("attack", [before_the_first_run, after_a_run])
def test_what_somebody_else_removed_is_not_listed_with_what_expires(
    rows: list[Verification], attack: Any, caplog: Any
) -> None:
    attack(rows)
    found = faults()
    assert any("was removed" in fault for fault in found)
    events = AuditEvent.objects.filter(seal=1).count()
    assert list(expire(before())) == []
    assert faults() == found
    assert AuditEvent.objects.filter(seal=1).count() == events
    assert "events of seal 1 were removed by somebody else" in caplog.text
    assert AuditEvent.objects.filter(event="contradiction", reason="seal 1").count() == 1
