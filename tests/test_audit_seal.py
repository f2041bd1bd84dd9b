"""Sealing and verification: whatever is changed behind our back is found, and named."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.models import Sum
from django.utils import timezone as django_timezone

from tests.cases import each
from tests.conftest import at_once, code, verify
from tests.lying_wechat import LyingWeChat, refuses
from tests.trail import EVENTS, call, events, is_reported, sealed, sql, undone
from wx_realname import audit
from wx_realname.audit import merkle, sealing
from wx_realname.audit.sealing import hash_of, leaf
from wx_realname.models import AuditEvent, AuditSeal, Verification
from wx_realname.services.transactions import durable
from wx_realname.uuid7 import uuid7

Event = AuditEvent.Event


def by_the_book(leaves: list[bytes], hash_: Callable[[bytes], bytes]) -> bytes:
    """RFC 6962 §2.1 word for word."""
    if not leaves:
        return hash_(b"")
    if len(leaves) == 1:
        return hash_(b"\0" + leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = by_the_book(leaves[:split], hash_), by_the_book(leaves[split:], hash_)
    return hash_(b"\1" + left + right)


@each("count", range(18))
@each("hash_", [lambda data: sha256(data).digest(), merkle.sm3])
def test_the_root_is_that_of_rfc_6962_by_either_hash(hash_: Any, count: int) -> None:
    leaves = [bytes([n]) * n for n in range(count)]
    assert merkle.root((merkle.leaf_hash(each, hash_) for each in leaves), hash_) == by_the_book(
        leaves, hash_
    )


def test_a_leaf_and_a_link_of_format_1_stay_what_they_are() -> None:
    """When one changes, no seal of before is borne out."""
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    event = AuditEvent(id=UUID(int=1), event="reveal", created_at=noon, reason="工单", attempt=2)
    assert leaf(event).decode() == (
        '[1,"00000000-0000-0000-0000-000000000001","reveal","2026-11-22T12:00:00.000000+00:00",'
        '"","",null,null,"","","",2,"",null,null,"工单","",null,"",null,null,"","","","",""]'
    )
    made = AuditSeal(number=1, previous="0" * 64, root="ab" * 32, count=1, created_at=noon)
    made.key_id = "a1"
    link = f'[1,1,"{made.previous}","{made.root}",1,"2026-11-22T12:00:00.000000+00:00","a1"]'
    assert hash_of(made) == sha256(b"\0" + link.encode()).hexdigest()


@pytest.mark.django_db
class TestAnIntactTrail:
    def test_is_intact_and_what_is_not_sealed_yet_is_counted(self, row: Verification) -> None:
        checkpoint = sealed()
        assert AuditEvent.objects.get(event=Event.SEAL).seal == 1
        for unsealed in (0, 2):
            events(unsealed)
            code, report = verify(checkpoint)
            assert code == 0
            assert f"{unsealed} events are not sealed" in report

    @pytest.mark.parametrize(
        ("count", "batch_size", "seals"),
        [(25, 10, [(1, 11), (2, 11), (3, 6)]), (3, 1, [(1, 2), (2, 2), (3, 2), (4, 1)])],
    )
    def test_batches_make_a_chain_of_seals_that_covers_every_event(
        self, count: int, batch_size: int, seals: list[tuple[int, int]]
    ) -> None:
        events(count)
        sealed(batch_size=batch_size)
        assert list(AuditSeal.objects.values_list("number", "count")) == seals
        assert not AuditEvent.objects.filter(seal=None).exists()
        assert verify()[0] == 0

    @pytest.mark.django_db(transaction=True)
    def test_verification_writes_nothing(
        self, row: Verification, django_assert_num_queries: Any
    ) -> None:
        sealed()
        with django_assert_num_queries(60, exact=False) as queries:
            verify()
        reads = ("SELECT", "DECLARE")  # PostgreSQL's cursors
        assert not [q for q in queries.captured_queries if not q["sql"].startswith(reads)]

    def test_verification_tells_how_far_it_is(self, row: Verification) -> None:
        events(25)
        sealed(batch_size=10)
        told: list[tuple[str, int]] = []
        assert not list(audit.faults([], lambda what, done: told.append((what, done))))
        assert told == [("seals", 1), ("seals", 2), ("seals", 3), ("records", 1)]

    def test_batches_of_records_find_the_same(self, row: Verification) -> None:
        rows = [Verification(pk=uuid7(), status="verified", token_digest=n) for n in range(5)]
        for row in rows:
            row.created_at = row.started_at = django_timezone.now()
        Verification.objects.bulk_create(rows)
        found = [
            list(audit.faults([], lambda what, done: None, batch_size=size)) for size in (1, 2, 9)
        ]
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 5


@pytest.mark.django_db(transaction=True)
def test_a_seal_whose_number_another_sealer_took_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sealed()
    first = AuditSeal.objects.values().get()
    made, late = sealing._sign, [True]

    def looked_too_early(last: AuditSeal | None, events: list[AuditEvent]) -> AuditSeal:
        seal: AuditSeal = made(None if late and late.pop() else last, events)
        return seal

    monkeypatch.setattr(sealing, "_sign", looked_too_early)
    sealed()
    assert not late
    assert AuditSeal.objects.values().get(number=1) == first
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deadlocks", [1, 2, 3])
def test_a_deadlock_is_tried_again_a_few_times(
    monkeypatch: pytest.MonkeyPatch, deadlocks: int
) -> None:
    events(1)
    made, tries = sealing._make_seal, itertools.count(1)

    def deadlocked(using: str, batch_size: int) -> AuditSeal:
        if next(tries) <= deadlocks:
            raise OperationalError("deadlock detected")
        return made(using, batch_size)

    monkeypatch.setattr(sealing, "PAUSES", (0, 0))
    monkeypatch.setattr(sealing, "_make_seal", deadlocked)
    with pytest.raises(OperationalError) if deadlocks > 2 else nullcontext():
        list(audit.seal())
    assert next(tries) == min(deadlocks, 2) + 2
    assert AuditSeal.objects.count() == (deadlocks <= 2)
    assert {event.reason for event in AuditEvent.objects.filter(event="seal")} <= {""}


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_nothing_is_sealed() -> None:
    """It could be rolled back after its checkpoint was handed out."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        next(audit.seal())
    assert not AuditSeal.objects.exists()


ON_SQLITE, ON_POSTGRESQL = (connection.vendor == name for name in ("sqlite", "postgresql"))


def exchanged() -> Any:
    return AuditEvent.objects.filter(event=Event.EXCHANGE)


def seal(number: int) -> Any:
    return AuditSeal.objects.filter(number=number)


def records(status: str) -> Any:
    return Verification.objects.filter(status=status)


def an_event_replaced() -> None:
    """Where a row can be deleted and inserted by one word, of which SQLite's triggers hear nothing."""
    sql(f"REPLACE INTO {EVENTS} SELECT * FROM {EVENTS} WHERE seal = 1")  # noqa: S608


def an_event_replaced_by_its_place() -> None:
    """SQLite's rows have a number beside their key, by which another can take their place."""
    fields = [field.column for field in AuditEvent._meta.concrete_fields if field.column != "id"]
    names = ", ".join(fields)
    sql(
        f"REPLACE INTO {EVENTS} (rowid, id, {names}) "  # noqa: S608
        f"SELECT rowid, '{uuid7().hex}', {names} FROM {EVENTS} WHERE seal = 1"
    )


def an_event_pushed_out_by_another() -> None:
    events(1)
    sql(
        f"UPDATE OR REPLACE {EVENTS} SET seal = 1, rowid = (SELECT MIN(rowid) FROM {EVENTS}) "  # noqa: S608
        "WHERE seal IS NULL"
    )


def an_event_added(seal: int = 1) -> None:
    now = django_timezone.now()
    AuditEvent.objects.create(id=uuid7(), event=Event.REVEAL, created_at=now, seal=seal)


def a_record_added() -> None:
    row = records("verified").get()
    row.pk, row.token_digest, row.answer_digest = uuid7(), "0" * 64, None
    row.save(force_insert=True)


#: What is done behind the site's back, and what verification reports.
TAMPERINGS: dict[str, tuple[Callable[[], Any], str]] = {
    "an event changed": (lambda: exchanged().update(actor_id="somebody else"), "changed"),
    "an event backdated": (lambda: exchanged().update(created_at=django_timezone.now()), "changed"),
    "an event removed": (lambda: exchanged().delete(), "removed"),
    "an event added": (an_event_added, "added"),
    "an event added to no seal": (lambda: an_event_added(9), "claims seal 9"),
    "an event unsealed": (lambda: exchanged().update(seal=None), "removed"),
    "a seal removed": (lambda: seal(1).delete(), "seal 1 is missing"),
    "a seal changed": (lambda: seal(1).update(count=1), "seal 1"),
    "a seal relinked": (lambda: seal(2).update(previous="f" * 64), "seal 2 is not linked"),
    "a list of members cut": (lambda: seal(1).update(members=b""), "members of seal 1"),
    "a record made verified": (
        lambda: records("rejected").update(status="verified"),
        "is verified, but no audit event",
    ),
    "a record given to nobody": (
        lambda: records("verified").update(user=None),
        "is verified, but no audit event",
    ),
    "a record removed": (lambda: records("verified").delete(), "was removed"),
    "a record added": (a_record_added, "is verified, but no audit event"),
}


@pytest.mark.django_db
class TestATrailThatWasTamperedWith:
    @pytest.fixture
    def two_seals(self, row: Verification, liar: LyingWeChat, user: Any) -> None:
        liar.play(refuses(94004))
        assert code(user, "another-token") == "no_real_name"
        sealed()
        sealed()

    @each("tampering", TAMPERINGS)
    def test_the_fault_is_found_and_named(self, two_seals: None, tampering: str) -> None:
        tamper, report = TAMPERINGS[tampering]
        with undone():
            tamper()
            is_reported(report)

    def test_a_trail_cut_at_its_end_is_found_by_the_checkpoint(self, row: Verification) -> None:
        sealed()
        checkpoint = sealed()
        AuditSeal.objects.filter(number=2).delete()
        AuditEvent.objects.filter(seal=2).delete()
        assert verify()[0] == 0
        assert verify(checkpoint)[0] == 1

    def test_a_chain_that_was_made_anew_is_found_by_the_checkpoint(self, row: Verification) -> None:
        checkpoint = sealed()
        AuditSeal.objects.all().delete()
        AuditEvent.objects.filter(event=Event.SEAL).delete()
        AuditEvent.objects.update(seal=None, actor_id="somebody else")
        sealed()
        is_reported("\nseal 1 is not the one of the checkpoint\n", checkpoint=checkpoint)

    def test_a_seal_of_a_key_that_is_gone_is_reported(
        self, row: Verification, settings: Any
    ) -> None:
        sealed()
        sealed()  # its own event is there to be sealed
        keys = settings.WX_REALNAME["AUDIT_KEYS"]
        settings.WX_REALNAME = settings.WX_REALNAME | {
            "AUDIT_KEYS": [keys[0].replace("a1:", "a2:")]
        }
        is_reported("1 fault.", "AUDIT_KEYS lacks a1, which signed 2 seals, number 1")


@pytest.mark.django_db(transaction=True)
def test_no_event_of_32_writers_is_missed_while_two_sealers_run() -> None:
    writers, each = 32, 8

    def write() -> None:
        for n in range(each):
            with durable(connection.alias):
                events(1)
                time.sleep(0.004 * (n % 4 == 0))  # what began first isn't committed first

    def seal() -> None:
        for _ in range(6):
            sealed(batch_size=15)

    came = at_once(*[write] * writers, seal, seal)
    assert came == [None] * (writers + 2)
    sealed()
    assert AuditEvent.objects.filter(event=Event.REVEAL).count() == writers * each
    assert not AuditEvent.objects.filter(seal=None).exists()
    covered = AuditSeal.objects.aggregate(count=Sum("count"))["count"]
    assert covered == AuditEvent.objects.count()
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_many_sealers_who_take_one_anothers_numbers_all_end_well() -> None:
    events(60)
    assert at_once(*[partial(sealed, batch_size=2)] * 4).count(None) == 0
    assert verify()[0] == 0
    assert not AuditEvent.objects.filter(seal=None).exists()


@pytest.mark.django_db
def test_what_is_no_missing_privilege_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*args: object, **kwargs: object) -> None:
        raise ProgrammingError("a word of the driver's")

    monkeypatch.setattr(AuditSeal, "save", failed)
    with pytest.raises(CommandError) as error:
        call_command("realname_seal_audit")
    assert str(error.value) == "The database failed (ProgrammingError): --traceback shows where."
    assert error.value.returncode == 2
    assert not AuditEvent.objects.exists()


@each("text", ["nonsense", "1:abc", "1:" + "g" * 64, "x:" + "0" * 64])
def test_a_malformed_checkpoint_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(CommandError, match="64 hex digits") as error:
        call_command("realname_verify_audit", f"--checkpoint={text}")
    assert error.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "unheard-of", reason="triggers are for this database")
@pytest.mark.parametrize("option", ["--install", "--remove"])
def test_a_database_that_nobody_knows_gets_grants_in_place_of_triggers(option: str) -> None:
    with pytest.raises(CommandError, match="no triggers for this app: use grants"):
        call("realname_protect_audit", option)


#: TAMPERINGS that the triggers refuse, and further ways to the same end.
REFUSED: dict[str, Callable[[], Any]] = {
    **{
        name: TAMPERINGS[name][0]
        for name in (
            *("an event changed", "an event removed", "an event added", "an event unsealed"),
            *("a seal removed", "a seal changed"),
        )
    },
    "the trail emptied": lambda: sql(f"{'TRUNCATE' if ON_POSTGRESQL else 'DELETE FROM'} {EVENTS}"),
    **({} if ON_POSTGRESQL else {"an event replaced": an_event_replaced}),
    **({"an event replaced by its place": an_event_replaced_by_its_place} if ON_SQLITE else {}),
    **({"an event pushed out": an_event_pushed_out_by_another} if ON_SQLITE else {}),
}


@pytest.mark.skipif(connection.vendor == "unheard-of", reason="no triggers there: use grants")
@pytest.mark.django_db(transaction=True)
class TestProtection:
    @pytest.fixture(autouse=True)
    def protected(self, row: Verification) -> Any:
        call("realname_protect_audit", "--install")
        yield
        call("realname_protect_audit", "--remove")

    @pytest.mark.parametrize("tamper", REFUSED)
    def test_the_database_refuses_to_change_or_delete(self, tamper: str) -> None:
        sealed()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            REFUSED[tamper]()

    def test_sealing_goes_on_and_installing_twice_is_harmless(self) -> None:
        call("realname_protect_audit", "--install")
        sealed()
        assert verify()[0] == 0
