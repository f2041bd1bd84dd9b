"""Who looked at whom: an event names the records that it reached, and vouches for the list."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from ..models import AuditAccess, AuditEvent, Verification
from . import keys
from .reading import stored
from .trail import Origin, append

BATCH = 1_000  # links of one INSERT, events of one look

Faults = Generator[str, None, None]


def append_access(
    event: AuditEvent.Event,
    origin: Origin,
    records: Iterable[UUID],
    *,
    using: str,
    about: Verification | None = None,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Add an event that reached these records, and a link to each, within the caller's transaction."""
    ids = sorted(set(records))
    details |= {"records": len(ids), "records_digest": _digests(ids)[0]}
    made = append(event, origin, using=using, about=about, reason=reason, **details)
    now = timezone.now()
    links = (
        AuditAccess(event_id=made.pk, verification_id=record, created_at=now) for record in ids
    )
    AuditAccess.objects.using(using).bulk_create(links, batch_size=BATCH)
    return made


def _digests(ids: list[UUID]) -> list[str]:
    """HMACs over the sorted ids, the writing key's first."""
    data = b"".join(id_.bytes for id_ in ids)
    return [digest.hex for digest in keys.index("audit.access").digests(data)]


def access_faults() -> Faults:
    """Every event whose links aren't those that it vouches for, and links of no event."""
    last: Any = None
    while batch := _batch(last):
        for event in batch:
            links = stored(AuditAccess).filter(event_id=event.pk)
            ids = sorted(links.values_list("verification_id", flat=True))
            if len(ids) != event.records or event.records_digest not in _digests(ids):
                yield f"event {event.pk}: the list of the records that it reached was changed"
        if last is not None and batch[-1].pk <= last:
            return
        last = batch[-1].pk
    events = stored(AuditEvent).filter(pk=OuterRef("event_id"), records__isnull=False)
    strays = stored(AuditAccess).filter(~Exists(events))
    for event_id in strays.values_list("event_id", flat=True).distinct()[:BATCH]:
        yield f"event {event_id}: records were added that it didn't reach"


def _batch(after: Any) -> list[AuditEvent]:
    events = stored(AuditEvent).filter(records__isnull=False).order_by("pk")
    events = events.only("pk", "records", "records_digest")
    return list((events.filter(pk__gt=after) if after else events)[:BATCH])
