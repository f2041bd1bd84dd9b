"""Compares records with their events: each must agree with its last outcome.

`outcome` defines what an outcome's HMAC covers. Unsealed events count, too. Somebody who can write to the
database, but has no key, can add an event with a copied HMAC only; so no outcome counts after a final one.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import AuditEvent, Verification
from . import derived, expiry, keys, outcome, plaintext
from .reading import UNREADABLE, Progress, guarded, stored, tolerate
from .trail import id_text, user_keys

BATCH = 1_000  # records at once
LOOKS = 3  # reads of a record that disagrees: it is read apart from its event, which was written with it


Status = Verification.Status

#: The events that end an attempt or a record's life.
OUTCOMES = (
    AuditEvent.Event.EXCHANGE,
    AuditEvent.Event.EXCHANGE_ABANDONED,
    AuditEvent.Event.ERASE,
)

#: Final statuses: only "failed" and "unknown" are followed by another attempt.
FINALITY = {str(Status.REJECTED): 1, str(Status.VERIFIED): 1, str(Status.ERASED): 2}

Faults = Generator[str, None, None]


def record_faults(progress: Progress, batch_size: int) -> Faults:
    """Every record that contradicts its outcome, in the order of the ids."""
    last, seen = None, 0
    while True:
        batch, unreadable = _read(_batch(last, batch_size))
        if unreadable:
            words = ngettext(
                "%(count)d record after %(id)s can't be read",
                "%(count)d records after %(id)s can't be read",
                unreadable,
            )
            yield words % {"count": unreadable, "id": last or "–"}
        known = [row for row in batch if _has_id(row)]
        if len(known) < len(batch):
            count = len(batch) - len(known)
            words = ngettext("%(count)d record has no id", "%(count)d records have no id", count)
            yield words % {"count": count}
        if not known or (last is not None and known[-1].pk <= last):
            return  # `canonical` reports ids that aren't spelt canonically; rows could be read twice
        place = _("the events of the records from %(first)s to %(last)s") % {
            "first": known[0].pk,
            "last": known[-1].pk,
        }
        yield from guarded(place, _contradictions(known))
        last, seen = known[-1].pk, seen + len(known)
        progress("records", seen)


def _has_id(row: Any) -> bool:
    """SQLite allows NULL as a primary key."""
    return row.pk is not None


def _batch(after: UUID | None, size: int) -> QuerySet[Verification]:
    records = _plain_records().order_by("pk")
    return (records.filter(pk__gt=after) if after else records)[:size]


#: The columns that an outcome covers, and those that are compared with the ciphertexts.
COVERED = (
    "pk",
    "user",
    "status",
    "method",
    "merchant",
    "token_digest",
    "attempt",
    "verified_at",
    "consent",
    "answer_digest",
    "real_name_masked",
    "credential_id_masked",
    "real_name_encrypted",
    "credential_id_encrypted",
    "real_name_index",
    "credential_id_index",
    "index_key_id",
    "erased_at",
)


def _plain_records() -> QuerySet[Verification]:
    return stored(Verification).only(*COVERED)


@dataclass(frozen=True)
class Judgement:
    """Which records contradict their last outcomes, and which can't be compared for want of a key.

    A missing key isn't tampering; nor is it agreement. `erased_since`: erased after they were read.
    """

    contradicting: set[UUID]
    needed_keys: dict[UUID, plaintext.NeededKey]
    erased_since: set[UUID]


def judge(rows: list[Verification], using: str) -> Judgement:
    """Compare the rows with their last outcomes: one indexed query for all of them.

    A row that changed since it was read is judged as it is now, too: an attempt may have ended. Nothing else
    changes what a row claims, so the caller, who has the row as it was read, isn't left with a forgery that
    was undone meanwhile.
    """
    now = Verification.objects.using(using)
    suspects = _suspects(rows, using)
    wrong = _still_wrong(suspects, now, using)
    unsigned = _unsigned(wrong, using) if wrong else {}
    found = {row.pk for row in wrong}
    undone, erased = _undone([row for row in suspects if row.pk not in found], now)
    contradicting = (found - unsigned.keys()) | undone
    return Judgement(contradicting, _needed_keys(rows, contradicting) | unsigned, erased)


def _undone(rows: list[Verification], now: QuerySet[Verification]) -> tuple[set[UUID], set[UUID]]:
    """Of rows that changed: those that no attempt and no erasure changed, and those that were erased."""
    claims = now.only("pk", "user", "status", *_FIXED)
    current = claims.in_bulk([row.pk for row in rows]) if rows else {}
    undone: set[UUID] = set()
    erased: set[UUID] = set()
    for row in rows:
        after = current.get(row.pk)
        if after is None or not _may_become(row, after):
            undone.add(row.pk)
        elif row.status in FINALITY:
            erased.add(row.pk)
    return undone, erased


_FIXED = ("method", "merchant", "token_digest")  # the same from the reservation to the erasure


def _may_become(row: Verification, after: Verification) -> bool:
    """Whether the row can have become the other one: an open attempt ends, a record is erased."""
    is_same = all(getattr(row, name) == getattr(after, name) for name in _FIXED)
    has_owner = after.user_id in (row.user_id, None)
    return is_same and has_owner and (row.status not in FINALITY or after.status == Status.ERASED)


def _needed_keys(
    rows: list[Verification], contradicting: set[UUID]
) -> dict[UUID, plaintext.NeededKey]:
    """The missing keys of the other rows."""
    others = (row for row in rows if row.pk not in contradicting)
    return {row.pk: key for row in others if (key := plaintext.needed_key(row))}


def _unsigned(rows: list[Verification], using: str) -> dict[UUID, plaintext.NeededKey]:
    """The rows whose outcomes are under a key that the settings lack."""
    return {
        pk: plaintext.NeededKey(*keys.place_of(event.outcome_key_id), of_outcome=True)
        for pk, event in _last_outcomes(rows, using).items()
        if event.outcome_key_id and not keys.is_known(event.outcome_key_id)
    }


def _still_wrong(
    suspects: list[Verification], now: QuerySet[Verification], using: str | None = None
) -> list[Verification]:
    """The suspects that still don't agree with their events, which are read after them.

    A row that changed in between is read and judged again: its end may have been recorded.
    """
    wrong: list[Verification] = []
    for _look in range(LOOKS):
        if not suspects:
            break
        again = list(now.filter(pk__in=[row.pk for row in suspects]).order_by("pk"))
        before = {row.pk: _state(row) for row in suspects}
        wrong += [row for row in again if _state(row) == before[row.pk]]
        suspects = _suspects([row for row in again if _state(row) != before[row.pk]], using)
    return wrong + suspects


def _state(row: Verification) -> list[Any]:
    fields = (Verification._meta.get_field(name) for name in COVERED[1:])
    return [getattr(row, str(getattr(field, "attname"))) for field in fields]  # noqa: B009


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
    suspects = _still_wrong(_suspects(rows), _plain_records())
    unsigned = _unsigned(suspects, router.db_for_write(Verification))
    wrong = [row for row in suspects if row.pk not in unsigned]
    words = _("record %(id)s can't be compared with its last outcome: %(setting)s lacks %(key)s")
    yield from _uncompared(unsigned, words)
    for row in wrong:
        yield _("record %(id)s is %(status)s, but no audit event says so") % {
            "id": row.pk,
            "status": row.status,
        }
    words = _("record %(id)s can't be compared with its ciphertexts: %(setting)s lacks %(key)s")
    yield from _uncompared(_needed_keys(rows, {row.pk for row in suspects}), words)
    yield from _swapped_names(rows)


def _uncompared(needed: dict[UUID, plaintext.NeededKey], words: str) -> Faults:
    for pk, key in needed.items():
        yield words % {"id": pk, "setting": key.setting, "key": repr(key.key_id)}


def _suspects(rows: list[Verification], using: str | None = None) -> list[Verification]:
    outcomes = _last_outcomes(rows, using)
    owners = owners_of(
        outcomes[row.pk] for row in rows if row.user_id is None and row.pk in outcomes
    )
    disowned = derived.disowned(outcomes.values())
    return [
        row
        for row in rows
        if not _agrees(row, outcomes.get(row.pk), owners)
        or (row.pk in outcomes and outcomes[row.pk].pk in disowned)
    ]


def _has_expired(row: Verification) -> bool:
    """Whether the record was erased so long ago that its events may have been removed."""
    if row.status != Status.ERASED or row.erased_at is None:
        return False
    limit = expiry.limit()
    return limit is not None and row.erased_at < limit


def _swapped_names(rows: list[Verification]) -> Faults:
    """Records whose user's name isn't the openid that was verified."""
    digested = {
        pk: event
        for pk, event in _last_outcomes(rows).items()
        if event.openid_digest and keys.is_known(event.outcome_key_id)
    }
    rows = [row for row in rows if row.pk in digested]
    names = _names({row.user_id for row in rows if row.user_id is not None})
    for row in rows:
        name, event = names.get(row.user_id), digested[row.pk]
        if name is None:
            continue
        openids = outcome.openid_digests(name)
        if not keys.bears_out(openids, event.outcome_key_id, event.openid_digest):
            words = _("record %(id)s: its user's name isn't the openid that was verified")
            yield words % {"id": row.pk}


def _names(owners: set[Any]) -> dict[Any, str]:
    user: Any = Verification._meta.get_field("user").remote_field.model
    rows = stored(user).filter(pk__in=owners).values_list("pk", user.USERNAME_FIELD)
    return dict(rows) if owners else {}


#: Events that end no attempt.
_OTHERS = tuple(event for event in AuditEvent.Event.values if event not in OUTCOMES)
_EVENT = (
    "event",
    "verification_id",
    "user_id",
    "status",
    "attempt",
    "consent_id",
    "answer_digest",
    "openid_digest",
    "outcome_hmac",
    "outcome_key_id",
    "seal",
)


def _last_outcomes(records: list[Verification], using: str | None = None) -> dict[UUID, AuditEvent]:
    """The last outcome of each record; outcomes after a final one don't count.

    `using` None: the records are in the order of their ids, so their events are one range of the index.
    A list of a thousand ids would cost 26,000 look-ups in a trail of 26 partitions.
    """
    if not records:
        return {}
    if using is None:
        theirs = stored(AuditEvent).filter(verification_id__range=(records[0].pk, records[-1].pk))
    else:
        ids = [row.pk for row in records]
        theirs = AuditEvent.objects.using(using).filter(verification_id__in=ids)
    # NOT IN: for `event IN`, SQLite without statistics would take another index, and read the whole trail
    events = theirs.exclude(event__in=_OTHERS).only(*_EVENT)
    last: dict[UUID, AuditEvent] = {}
    for event in events.order_by("attempt", "created_at", "id"):
        if event.event not in OUTCOMES:
            continue
        known = last.get(event.verification_id) if event.verification_id else None
        if event.verification_id and (known is None or _finality(event) >= _finality(known)):
            last[event.verification_id] = event
    return last


def _finality(event: AuditEvent) -> int:
    return FINALITY.get(event.status, 0)


def owners_of(events: Iterable[AuditEvent]) -> set[str]:
    """The users of those events who still exist, by their ids as text."""
    user: Any = Verification._meta.get_field("user").remote_field.model
    ids = user_keys(event.user_id for event in events)
    # only the key: a verifier's role needs no right to read more of users
    there = stored(user).filter(pk__in=ids).values_list("pk", flat=True) if ids else ()
    return {str(pk) for pk in there}


def _agrees(row: Verification, event: AuditEvent | None, owners: set[str]) -> bool:
    """Whether the outcome is the row's. `owners`: the users who exist."""
    if event is None:
        # its first outcome is still to come, or its last one has expired
        return row.status in _OPEN or _has_expired(row)
    then = copy.copy(row)
    if row.user_id is None and row.status != Status.VERIFIED and event.user_id not in owners:
        then.user_id = event.user_id  # the user was deleted, which leaves no record verified
    columns = {name: getattr(event, name) for name in _EVENT}
    try:
        digests = outcome.digests(then, columns)
        return (
            _may_stand(row, event)
            and _is_of(then, event)
            and keys.signed(event, digests)
            and plaintext.agrees(row)
        )
    except (TypeError, AttributeError):  # a value doesn't fit its column
        return False


#: The statuses of a record before its first outcome.
_OPEN = (Status.PENDING, Status.WAITING)


def _is_of(row: Verification, event: AuditEvent) -> bool:
    """Whether the event's columns equal the row's. A running attempt has a number and consent of its own.

    A discarded answer may write its digest to the row after the outcome.
    """
    same = (row.attempt, row.consent_id) == (event.attempt, event.consent_id)
    answer = not event.answer_digest or row.answer_digest == event.answer_digest
    return (
        id_text(row.user_id) == event.user_id and answer and (same or row.status == Status.PENDING)
    )


def _may_stand(row: Verification, event: AuditEvent) -> bool:
    """Whether the row has the outcome's status, or is pending in another attempt after it."""
    if row.status != Status.PENDING:
        return bool(row.status == event.status)
    return not _finality(event) and row.attempt > (event.attempt or 0)
