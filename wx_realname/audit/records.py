"""Records held against their events: each stands as its last outcome says.

An outcome's HMAC vouches for (id, user, status, method, merchant, token digest). Events that aren't
sealed yet vouch too, and whoever can write to the database can add one; without the key, though, only
with a copy of a genuine HMAC. So no outcome counts after one that is final.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from ..models import AuditEvent, Verification
from . import keys
from .reading import UNREADABLE, Progress, guarded, stored, tolerate
from .trail import outcome_digests

BATCH = 1_000  # records at once
LOOKS = 3  # at what doesn't agree: a record and its event are written together, but read apart

Status = Verification.Status

#: The events that end an attempt or a record's life.
OUTCOMES = (
    AuditEvent.Event.EXCHANGE,
    AuditEvent.Event.EXCHANGE_ABANDONED,
    AuditEvent.Event.ERASE,
)

#: What gives way to nothing lesser: only "failed" and "unknown" are followed by another attempt.
FINALITY = {str(Status.REJECTED): 1, str(Status.VERIFIED): 1, str(Status.ERASED): 2}

Faults = Generator[str, None, None]


def record_faults(progress: Progress, batch_size: int) -> Faults:
    """Every record that stands otherwise than its outcome says, in the order of their ids."""
    last, seen = None, 0
    while True:
        batch, unreadable = _read(_batch(last, batch_size))
        if unreadable:
            yield f"{unreadable} records after {last or 'none'} can't be read"
        known = [row for row in batch if _has_id(row)]
        if len(known) < len(batch):
            yield f"{len(batch) - len(known)} records have no id"
        if not known:
            return
        place = f"what is told of the records from {known[0].pk} to {known[-1].pk}"
        yield from guarded(place, _contradictions(known))
        last, seen = known[-1].pk, seen + len(known)
        progress("records", seen)


def _has_id(row: Any) -> bool:
    """SQLite takes NULL for a primary key, where nothing else forbids it."""
    return row.pk is not None


def _batch(after: UUID | None, size: int) -> QuerySet[Verification]:
    records = _plain_records().order_by("pk")
    return (records.filter(pk__gt=after) if after else records)[:size]


def _plain_records() -> QuerySet[Verification]:
    """What the outcome covers, and the attempt; nothing personal is read."""
    covered = ("pk", "user", "status", "method", "merchant", "token_digest", "attempt")
    return stored(Verification).only(*covered)


def _read(rows: QuerySet[Verification]) -> tuple[list[Verification], int]:
    """The rows that can be read, and how many can't."""
    try:
        return list(rows), 0
    except UNREADABLE as error:
        tolerate(error)
        count = rows.count()
    readable: list[Verification] = []
    for at in range(count):
        try:
            readable += rows[at : at + 1]
        except UNREADABLE as error:
            tolerate(error)
    return readable, count - len(readable)


def _contradictions(rows: list[Verification]) -> Faults:
    """Those of the rows that don't agree, look after look."""
    suspects = _suspects(rows)
    for _ in range(LOOKS - 1):
        again = _plain_records().filter(pk__in=[row.pk for row in suspects])
        suspects = _suspects(list(again.order_by("pk")))
    for row in suspects:
        yield f"record {row.pk} is {row.status}, but no audit event says so"


def _suspects(rows: list[Verification]) -> list[Verification]:
    outcomes = _last_outcomes(rows)
    owners = _owners(outcomes[row.pk] for row in rows if row.user_id is None and row.pk in outcomes)
    return [row for row in rows if not _agrees(row, outcomes.get(row.pk), owners)]


def _last_outcomes(records: list[Verification]) -> dict[UUID, AuditEvent]:
    """The last outcome of each record, where nothing follows what is final.

    The records stand in the order of their ids, so their events are one stretch of the index: by a list
    of ids, a trail of 26 partitions would be entered 26,000 times for a thousand records.
    """
    if not records:
        return {}
    covered = ("verification_id", "user_id", "status", "attempt", "outcome_hmac", "outcome_key_id")
    theirs = stored(AuditEvent).filter(verification_id__range=(records[0].pk, records[-1].pk))
    events = theirs.filter(event__in=OUTCOMES).only(*covered)
    last: dict[UUID, AuditEvent] = {}
    for event in events.order_by("attempt", "created_at", "id"):
        known = last.get(event.verification_id) if event.verification_id else None
        if event.verification_id and (known is None or _finality(event) >= _finality(known)):
            last[event.verification_id] = event
    return last


def _finality(event: AuditEvent) -> int:
    return FINALITY.get(event.status, 0)


def _owners(events: Iterable[AuditEvent]) -> set[str]:
    """The users of those events who are still there, by their ids as text."""
    user: Any = Verification._meta.get_field("user").remote_field.model
    ids = set()
    for event in events:
        try:
            ids.add(user._meta.pk.to_python(event.user_id))
        except ValidationError:  # an id that is cut at 64 characters, or none
            continue
    # the key alone: of users, a sealer's role is allowed no other column
    there = stored(user).filter(pk__in=ids).values_list("pk", flat=True) if ids else ()
    return {str(pk) for pk in there}


def _agrees(row: Verification, event: AuditEvent | None, owners: set[str]) -> bool:
    """Whether the outcome is the row's. `owners`: users who are there, so that rows are tied to them."""
    if event is None:
        return row.status in (Status.PENDING, Status.WAITING)  # its first end is still to come
    told = copy.copy(row)
    told.status = event.status
    if row.user_id is None and row.status != Status.VERIFIED and event.user_id not in owners:
        told.user_id = event.user_id  # the user was deleted, which leaves no record verified
    try:
        told_by = outcome_digests(told), event.outcome_key_id, event.outcome_hmac
        return _may_stand(row, event) and keys.bears_out(*told_by)
    except TypeError:  # something isn't what its column holds
        return False


def _may_stand(row: Verification, event: AuditEvent) -> bool:
    """Whether the row has the outcome's status, or is pending in another attempt after it."""
    if row.status != Status.PENDING:
        return row.status == event.status
    return not _finality(event) and row.attempt > (event.attempt or 0)
