"""Accesses: an event is linked to the records that it reached, and has an HMAC over their ids."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import statements
from ..models import AuditAccess, AuditEvent
from ..uuid7 import uuid7
from ..vault.blind_index import Digest
from . import derived, keys
from .reading import batches, stored
from .trail import Origin, append

BATCH = 1_000  # links of one INSERT, events of one read
LINKS = 5_000  # links of one read; the last event may exceed it

Faults = Generator[str, None, None]


def append_access(
    event: AuditEvent.Event,
    origin: Origin,
    records: Iterable[UUID],
    *,
    using: str,
    event_id: UUID | None = None,
    **described: Any,
) -> AuditEvent:
    """Add an event that reached these records, and a link to each, within the caller's transaction.

    `event_id`: the event's id; a second event with it raises `IntegrityError`. `described`: what `append`
    takes.
    """
    ids, event_id, now = sorted(set(records)), event_id or uuid7(), timezone.now()
    described |= {"id": event_id, "created_at": now}
    described |= {"records": len(ids), "records_digest": _digests(event_id, ids)[0].hex}
    made = append(event, origin, using=using, **described)
    links = [AuditAccess(event_id=event_id, verification_id=id_, created_at=now) for id_ in ids]
    statements.insert_numbered(links, {"event_id": event_id}, using, batch_size=BATCH)
    return made


def _digests(event_id: UUID, ids: list[UUID]) -> list[Digest]:
    """HMACs over the event's id and the sorted ids, the writing key's first."""
    data = event_id.bytes + b"".join(id_.bytes for id_ in ids)
    return keys.index("audit.access").digests(data)


def access_faults() -> Faults:
    """Every event whose links differ from its HMAC, and every link without an event."""
    reached = stored(AuditEvent).filter(records__isnull=False)
    for batch in batches(reached.only("pk", "records", "records_digest", "created_at"), BATCH):
        for part in _parts(batch):
            yield from _wrong(part)
    events = stored(AuditEvent).filter(pk=OuterRef("event_id"), records__isnull=False)
    strays = stored(AuditAccess).filter(~Exists(events))
    for event_id in strays.values_list("event_id", flat=True).distinct()[:BATCH]:
        yield _("event %(event)s: records were added that it didn't reach") % {"event": event_id}


def _parts(batch: list[AuditEvent]) -> Generator[list[AuditEvent], None, None]:
    """Groups of events whose links are read together: an event may have one link, or thousands."""
    part, links = [], 0
    for event in batch:
        part.append(event)
        links += event.records or 0
        if links >= LINKS:
            yield part
            part, links = [], 0
    if part:
        yield part


def _wrong(part: list[AuditEvent]) -> Faults:
    links = stored(AuditAccess).filter(event_id__in=[event.pk for event in part])
    reached: dict[UUID, list[tuple[UUID, datetime]]] = {}
    for event_id, record, at in links.values_list("event_id", "verification_id", "created_at"):
        reached.setdefault(event_id, []).append((record, at))
    by_derived: list[UUID] = []
    wrong: list[UUID] = []
    for event in part:
        found = sorted(reached.get(event.pk, ()))
        ids = [record for record, _at in found]
        fitting = [one for one in _digests(event.pk, ids) if one.hex == event.records_digest]
        times_hold = all(at == event.created_at for _record, at in found)
        if len(ids) != event.records or not fitting or not times_hold:
            wrong.append(event.pk)
        elif keys.is_derived(fitting[0].key_id):
            by_derived.append(event.pk)
    for event_id in [*wrong, *derived.without_trust(by_derived)]:
        words = _("event %(event)s: the list of the records that it reached was changed")
        yield words % {"event": event_id}
