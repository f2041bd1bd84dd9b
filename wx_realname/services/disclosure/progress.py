"""How far an export came, as the trail has it: an event for each batch of rows, and one at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Sum

from ...models import AuditEvent
from .. import facts

Event = AuditEvent.Event


@dataclass(frozen=True)
class Progress:
    """How many rows went out; `complete` is None until the export has ended."""

    rows: int
    complete: bool | None = None


def progress(event_id: UUID, *, actor: Any) -> Progress | None:
    """How far the actor's export came that began with this event. None when there is no such export (yet).

    Until it has ended, records that contradict the trail aren't counted, and two exports of the same rows
    for the same reason, run at once, are counted together.
    """
    events = AuditEvent.objects.using(router.db_for_write(AuditEvent))
    mine = events.filter(actor_id=str(actor.pk))
    begun = mine.filter(pk=event_id, event=Event.EXPORT).first()
    if begun is None:
        return None
    since = mine.filter(created_at__gte=begun.created_at)
    for reason in since.filter(event=Event.EXPORT_ENDED).values_list("reason", flat=True):
        ended = facts.ENDED.fullmatch(reason)
        if ended and ended["export"] == str(begun.pk):
            return Progress(int(ended["rows"]), complete=ended["end"] == "complete")
    parts = since.filter(event=Event.EXPORT_PART, reason=begun.reason)
    return Progress(parts.aggregate(rows=Sum("records"))["rows"] or 0)
