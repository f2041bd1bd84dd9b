"""Which old events may be missing: events with an HMAC list those that were removed.

One event has the limit; one for each seal has an HMAC over the ids of its removed events. Any other
missing event was removed by somebody else.
"""

from __future__ import annotations

from datetime import datetime

from ..models import AuditEvent, AuditSeal
from ..moments import utc_text
from ..vault.blind_index import BlindIndex, Digest
from . import derived, keys
from .reading import stored
from .sealing import listed
from .trail import Origin, append, signature_of

Event = AuditEvent.Event

SEAL = "events of seal "


def append_limit(before: datetime, *, using: str) -> AuditEvent:
    """Add the event that has the limit, within the transaction that removes the first events."""
    text = utc_text(before)
    return _append(text, keys.index("audit.expiry").digest(text), using)


def append_removal(number: int, ids: set[bytes], *, using: str) -> AuditEvent:
    """Add the event that lists all removed events of the seal, within the transaction that removes some."""
    return _append(_of_seal(number), _removals().digest(_list_of(number, ids)), using)


def removed(number: int, using: str) -> set[bytes]:
    """The events of the seal that were removed. The seal is locked: one run at a time removes some.

    Raises ValueError where another one is missing, or the seal's list of members was changed.
    """
    seal = AuditSeal.objects.using(using).select_for_update().get(number=number)
    there = AuditEvent.objects.using(using).filter(seal=number).values_list("pk", flat=True)
    missing = {id_ for id_, _leaf in listed(seal)} - {id_.bytes for id_ in there}
    if missing and not may_be_missing(number, missing):
        raise ValueError(f"events of seal {number} were removed by somebody else")
    return missing


def _append(reason: str, signature: Digest, using: str) -> AuditEvent:
    return append(Event.EXPIRY, Origin(), using=using, reason=reason, **signature_of(signature))


def may_be_missing(number: int, missing: set[bytes]) -> bool:
    """Whether exactly these events of the seal are listed as removed."""
    digests = _removals().digests(_list_of(number, missing))
    events = stored(AuditEvent).filter(event=Event.EXPIRY, reason=_of_seal(number))
    return any(keys.signed(event, digests) for event in derived.trusted(events))


def limit() -> datetime | None:
    """The latest limit that has a valid HMAC; None where nothing was removed."""
    index = keys.index("audit.expiry")
    events = stored(AuditEvent).filter(event=Event.EXPIRY).exclude(reason__startswith=SEAL)
    limits = (
        datetime.fromisoformat(event.reason)
        for event in derived.trusted(events)
        if keys.signed(event, index.digests(event.reason))
    )
    return max(limits, default=None)


def _removals() -> BlindIndex:
    return keys.index("audit.removal")


def _list_of(number: int, ids: set[bytes]) -> bytes:
    return number.to_bytes(8, "big") + b"".join(sorted(ids))


def _of_seal(number: int) -> str:
    return f"{SEAL}{number}"
