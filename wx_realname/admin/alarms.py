"""Officers who reached SEARCH_RATE: somebody may be trying numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from ..exceptions import Throttled
from ..models import AuditEvent
from .names import shown, usernames

RECENT = timedelta(days=1)


@dataclass(frozen=True)
class Alarm:
    """An officer, and how many searches of that officer were refused in the last 24 hours."""

    officer: str | None
    refused: int


def alarms() -> list[Alarm]:
    """The most refused first. One query, over the day's searches alone."""
    searches = AuditEvent.objects.filter(
        event=AuditEvent.Event.SEARCH,
        created_at__gte=timezone.now() - RECENT,
        error_code=Throttled.code,
    )
    counted = searches.order_by().values_list("actor_id").annotate(count=Count("pk"))
    found = dict(counted.order_by("-count", "actor_id"))
    names = usernames(found)
    return [Alarm(shown(actor, names), count) for actor, count in found.items()]
