"""The chain of seals: every node is computed anew, from the events to the HMAC over each link."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from ..models import AuditEvent, AuditSeal, Verification
from . import expiry, keys
from .reading import UNREADABLE, Progress, guarded, stored, tolerate
from .sealing import FIRST, HASHES, Members, hash_of, is_signed, listed, members_of, root_of

Faults = Generator[str, None, None]

#: The hash's name in a checkpoint, by the seal's format.
ALGORITHMS = {1: "sha256", 2: "sm3"}
_CHECKPOINT = re.compile(
    r"(?P<number>[0-9]+):((?P<algorithm>sha256|sm3):)?(?P<hash>[0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True)
class Checkpoint:
    """A seal's number and hash, to be kept where nobody who can change the database can change it."""

    number: int
    hash: str
    algorithm: str = "sha256"  # or "sm3"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Parse "12:<64 hex digits>" (SHA-256), or "12:sm3:<64 hex digits>". Raises ValueError."""
        found = _CHECKPOINT.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                'a checkpoint looks like "12:" and 64 hex digits, or "12:sm3:" and 64 hex digits'
            )
        return cls(int(found["number"]), found["hash"], found["algorithm"] or "sha256")

    @classmethod
    def of(cls, seal: AuditSeal) -> Checkpoint:
        return cls(seal.number, seal.hash, ALGORITHMS[seal.format])

    def __str__(self) -> str:
        name = "" if self.algorithm == "sha256" else f"{self.algorithm}:"
        return f"{self.number}:{name}{self.hash}"


def chain_faults(checkpoints: list[Checkpoint], progress: Progress) -> Faults:
    """Every fault of the seals and of the events that they cover."""
    # the numbers alone first: a value that isn't a number can't be compared in a query
    numbers: list[Any] = list(stored(AuditSeal).order_by("number").values_list("number", flat=True))
    yield from _link_faults(numbers, checkpoints, progress)
    gone = {each.number for each in checkpoints} - set(numbers)
    for number in sorted(gone):
        yield _("seal %(number)d of a checkpoint is missing") % {"number": number}
    yield from guarded(_("the events of seals that don't exist"), _strays())


def _link_faults(numbers: list[Any], checkpoints: list[Checkpoint], progress: Progress) -> Faults:
    expected: int = 1
    previous: str | None = FIRST
    for number in numbers:
        if not isinstance(number, int) or number < expected:
            yield _("seal %(number)r is not part of the chain") % {"number": number}
            continue
        if number > expected:
            yield _("seal %(number)d is missing") % {"number": expected}
            previous = None  # there is nothing to compare the link with
        kept = [each for each in checkpoints if each.number == number]
        what = _("seal %(number)d") % {"number": number}
        previous = yield from guarded(what, _seal_faults(number, previous, kept))
        expected = number + 1
        progress("seals", number)


def _seal_faults(
    number: int, previous: str | None, kept: list[Checkpoint]
) -> Generator[str, None, str]:
    """Yield the seal's faults, and return its hash, which the next seal is linked to."""
    seal, which = stored(AuditSeal).get(number=number), {"number": number}
    if previous not in (None, seal.previous):
        yield _("seal %(number)d is not linked to the one before") % which
    if seal.format not in HASHES:
        yield _("seal %(number)d was changed: its format %(format)r is unknown") % {
            "number": number,
            "format": seal.format,
        }
        return str(seal.hash)
    if seal.hash != hash_of(seal) or (keys.is_known(seal.key_id) and not is_signed(seal)):
        yield _("seal %(number)d was changed") % which
    elif not keys.vouches_for_seal(seal):
        words = _(
            "seal %(number)d is signed by a key derived from INDEX_KEYS, after AUDIT_KEYS took over"
        )
        yield words % which
    if any(each != Checkpoint.of(seal) for each in kept):
        yield _("seal %(number)d is not the one of the checkpoint") % which
    try:
        sealed = listed(seal)
    except ValueError:
        sealed = []
    if not sealed or root_of(sealed, seal.format) != seal.root:
        yield _("the list of members of seal %(number)d was changed") % which
    else:
        yield from _member_faults(seal, sealed)
    return seal.hash


@dataclass(frozen=True)
class _Covered:
    """A seal's events as they are stored: the leaf hash of each, and the records that they are about."""

    leaves: dict[bytes, bytes]
    records: set[UUID]


def _member_faults(seal: AuditSeal, sealed: Members) -> Faults:
    number, format_ = seal.number, seal.format
    rows, expected = stored(AuditEvent).filter(seal=number), dict(sealed)
    covered = _contents(rows, format_) or _covered_one_by_one(rows, expected, format_)
    there = covered.leaves
    missing = expected.keys() - there.keys()
    if missing and expiry.may_be_missing(number, missing):
        expected = {id_: leaf for id_, leaf in expected.items() if id_ in there}
    for id_ in sorted(there.keys() | expected.keys()):
        if there.get(id_) != expected.get(id_):
            words = _what(id_, there, expected)
            yield words % {"event": UUID(bytes=id_), "number": number}
    if rows.count() > len(there):
        yield _("events were added to seal %(number)d that can't be read") % {"number": number}
    yield from _orphans(covered.records)


def _contents(rows: QuerySet[AuditEvent], format_: int) -> _Covered | None:
    """None where a value doesn't fit its column, so that it can't be read or hashed."""
    try:
        events = list(rows)
        records = {event.verification_id for event in events if event.verification_id}
        return _Covered(dict(members_of(events, format_)), records)
    except UNREADABLE as error:
        tolerate(error)
        return None


def _covered_one_by_one(
    rows: QuerySet[AuditEvent], expected: dict[bytes, bytes], format_: int
) -> _Covered:
    """Each event that can be read, one by one; an unreadable one has no leaf hash."""
    found = _Covered({}, set())
    for id_ in expected:
        row = rows.filter(pk=UUID(bytes=id_))
        one = _contents(row, format_) or _Covered({id_: b""}, set())
        found.leaves.update(one.leaves)
        found.records.update(one.records)
    return found


def _what(id_: bytes, there: dict[bytes, bytes], sealed: dict[bytes, bytes]) -> str:
    if id_ not in there:
        return _("event %(event)s of seal %(number)d was removed")
    if id_ in sealed:
        return _("event %(event)s of seal %(number)d was changed")
    return _("event %(event)s of seal %(number)d was added")


def _orphans(named: set[UUID]) -> Faults:
    """Records that events are about and that don't exist: a record is never deleted."""
    there: set[UUID] = set()
    if named:
        there = set(stored(Verification).filter(pk__in=named).values_list("pk", flat=True))
    for missing in sorted(named - there):
        yield _("record %(id)s was removed: sealed events are about it") % {"id": missing}


def _strays() -> Faults:
    """Events with the number of no seal: they are neither sealed nor in the tail."""
    seals = stored(AuditSeal).filter(number=OuterRef("seal"))
    strays = stored(AuditEvent).exclude(seal=None).filter(~Exists(seals)).order_by("seal", "id")
    stray = strays.values_list("pk", "seal").first()
    if stray:
        yield _("event %(event)s claims seal %(number)s, which doesn't exist") % {
            "event": stray[0],
            "number": stray[1],
        }
