"""The limit before which old events may be missing: an event that only a key of the trail's can make."""

from __future__ import annotations

from datetime import datetime, timezone

from ..models import AuditEvent
from . import keys
from .reading import stored
from .trail import Origin, append

Event = AuditEvent.Event


def append_expiry(before: datetime, *, using: str) -> AuditEvent:
    """Add the event that says so, within the caller's transaction."""
    text = _text(before)
    signature = keys.index("audit.expiry").digest(text)
    return append(
        Event.EXPIRY,
        Origin(),
        using=using,
        reason=text,
        outcome_hmac=signature.hex,
        outcome_key_id=signature.key_id,
    )


def limit() -> datetime | None:
    """The latest limit that the trail's keys bear out; None where nothing was removed."""
    limits = []
    for event in stored(AuditEvent).filter(event=Event.EXPIRY):
        signed = keys.index("audit.expiry").digests(event.reason)
        if keys.bears_out(signed, event.outcome_key_id, event.outcome_hmac):
            limits.append(datetime.fromisoformat(event.reason))
    return max(limits, default=None)


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
