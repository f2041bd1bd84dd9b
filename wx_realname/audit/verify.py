"""Verification of the trail: every node is computed anew, and records are held against their events.

It reads only, in batches, and yields each wrong place in the order of the trail.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, QuerySet

from ..models import AuditEvent, AuditSeal, Verification
from .seal import FIRST, hash_of, listed, members_of, root_of, signatures
from .trail import outcome_digests

BATCH = 1_000  # records at once

#: The events that end an attempt or a record's life: the last one says how the record must stand.
OUTCOMES = (
    AuditEvent.Event.EXCHANGE,
    AuditEvent.Event.EXCHANGE_ABANDONED,
    AuditEvent.Event.ERASE,
)

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Checkpoint:
    """A seal's number and hash, to be kept where nobody who can change the database can."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From "12:<64 hex digits>". Raises ValueError."""
        number, _, hash_ = text.strip().partition(":")
        if not number.isdigit() or len(hash_) != 64 or set(hash_) - set("0123456789abcdef"):
            raise ValueError('a checkpoint looks like "12:" and 64 hex digits')
        return cls(int(number), hash_)

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True)
class Tail:
    """What isn't sealed yet."""

    count: int
    oldest: datetime | None


def tail() -> Tail:
    """How many events are unsealed, and since when."""
    found = AuditEvent.objects.filter(seal=None).aggregate(
        count=Count("pk"), oldest=Min("created_at")
    )
    return Tail(found["count"], found["oldest"])


def faults(checkpoints: list[Checkpoint], progress: Progress) -> Iterator[str]:
    """Every wrong place: first of the chain of seals, then of records against their events."""
    yield from _chain(checkpoints, progress)
    yield from _records(progress)


def _chain(checkpoints: list[Checkpoint], progress: Progress) -> Iterator[str]:
    expected, previous, hashes = 1, FIRST, {c.number: c.hash for c in checkpoints}
    for seal in _seals():
        if seal.number != expected:
            yield f"seal {expected} is missing"
        yield from _seal_faults(seal, previous if seal.number == expected else seal.previous)
        if hashes.pop(seal.number, seal.hash) != seal.hash:
            yield f"seal {seal.number} is not the one of the checkpoint"
        expected, previous = seal.number + 1, seal.hash
        progress("seals", seal.number)
    yield from (f"seal {number} of a checkpoint is missing" for number in sorted(hashes))
    stray = AuditEvent.objects.filter(seal__gte=expected).order_by("seal", "id").first()
    if stray:
        yield f"event {stray.pk} claims seal {stray.seal}, which doesn't exist"


def _seals() -> Iterator[AuditSeal]:
    number = 0
    while seal := AuditSeal.objects.filter(number__gt=number).order_by("number").first():
        yield seal
        number = seal.number


def _seal_faults(seal: AuditSeal, previous: str) -> Iterator[str]:
    if seal.previous != previous:
        yield f"seal {seal.number} is not linked to the one before"
    if seal.hash != hash_of(seal) or not _is_signed(seal):
        yield f"seal {seal.number} was changed, or AUDIT_KEYS lacks its key {seal.key_id}"
    events = list(AuditEvent.objects.filter(seal=seal.number))
    yield from _member_faults(seal, events)
    yield from _orphans(events)


def _member_faults(seal: AuditSeal, events: list[AuditEvent]) -> Iterator[str]:
    try:
        sealed = listed(seal)
    except ValueError:
        sealed = []
    if not sealed or root_of(sealed) != seal.root:
        yield f"the list of members of seal {seal.number} was changed"
        return
    there, sealed_by_id = dict(members_of(events)), dict(sealed)
    for id_ in sorted(there.keys() | sealed_by_id.keys()):
        if there.get(id_) != sealed_by_id.get(id_):
            yield f"event {UUID(bytes=id_)} of seal {seal.number} was {_what(id_, there, sealed_by_id)}"


def _what(id_: bytes, there: dict[bytes, bytes], sealed: dict[bytes, bytes]) -> str:
    if id_ not in there:
        return "removed"
    return "changed" if id_ in sealed else "added"


def _orphans(events: list[AuditEvent]) -> Iterator[str]:
    """Records that events speak of, and that aren't there: a record is never deleted."""
    named = {event.verification_id for event in events if event.verification_id}
    there = (
        set(Verification.objects.filter(pk__in=named).values_list("pk", flat=True))
        if named
        else set()
    )
    for missing in sorted(named - there):
        yield f"record {missing} was removed: sealed events speak of it"


def _is_signed(seal: AuditSeal) -> bool:
    digests = {digest.key_id: digest.hex for digest in signatures(seal.hash)}
    return hmac.compare_digest(digests.get(seal.key_id, ""), seal.hmac)


def _records(progress: Progress) -> Iterator[str]:
    """Records that stand otherwise than their last outcome says; they are looked at twice.

    A record and its event are written together, but not read together: what was being written at
    the first look agrees at the second.
    """
    last, seen = None, 0
    while batch := _batch(last):
        outcomes = _last_outcomes(batch)
        suspects = [row.pk for row in batch if not _agrees(row, outcomes)]
        again = list(_plain_records().filter(pk__in=suspects))
        outcomes = _last_outcomes(again)
        for row in again:
            if not _agrees(row, outcomes):
                yield f"record {row.pk} is {row.status}, but no audit event says so"
        last, seen = batch[-1].pk, seen + len(batch)
        progress("records", seen)


def _batch(after: UUID | None) -> list[Verification]:
    records = _plain_records().order_by("pk")
    return list((records.filter(pk__gt=after) if after else records)[:BATCH])


def _plain_records() -> QuerySet[Verification]:
    """What the outcome covers; nothing personal is read."""
    return Verification.objects.only("pk", "user", "status", "method", "merchant", "token_digest")


def _last_outcomes(records: list[Verification]) -> dict[UUID, AuditEvent]:
    events = AuditEvent.objects.filter(
        verification_id__in=[row.pk for row in records], event__in=OUTCOMES
    )
    return {
        event.verification_id: event
        for event in events.order_by("attempt", "created_at", "id")
        if event.verification_id
    }


def _agrees(row: Verification, outcomes: dict[UUID, AuditEvent]) -> bool:
    if row.status == Verification.Status.PENDING:
        return True  # its end is still to come
    event = outcomes.get(row.pk)
    if event is None:
        return False
    if row.user_id is None and row.status != Verification.Status.VERIFIED:
        row.user_id = event.user_id  # the user was deleted, which leaves no record verified
    digests = {digest.key_id: digest.hex for digest in outcome_digests(row)}
    return hmac.compare_digest(digests.get(event.outcome_key_id, ""), event.outcome_hmac)
