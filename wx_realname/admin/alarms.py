"""What needs somebody's attention: officers who reached SEARCH_RATE, and faces without a result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from ..exceptions import Throttled
from ..models import AuditEvent, Verification
from .backlog import Backlog, backlog
from .names import shown, usernames

RECENT = timedelta(days=1)
OVERDUE = timedelta(hours=2)  # WeChat answers for one hour


@dataclass(frozen=True)
class Alarm:
    """An officer, and how many searches of that officer were refused in the last 24 hours."""

    officer: str | None
    refused: int


def alarms() -> list[Alarm]:
    """The officer with the most refusals first. One query, over the searches of the last 24 hours.

    They are counted here: for a GROUP BY, SQLite reads the whole trail along the actors' index.
    """
    searches = AuditEvent.objects.filter(
        event=AuditEvent.Event.SEARCH,
        created_at__gte=timezone.now() - RECENT,
        error_code=Throttled.code,
    )
    found = Counter(searches.order_by().values_list("actor_id", flat=True))
    names = usernames(found)
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return [Alarm(shown(actor, names), count) for actor, count in ordered]


def waiting() -> Backlog:
    """The faces that wait for WeChat's answer. An index answers the query."""
    rows = Verification.objects.filter(status=Verification.Status.WAITING)
    return backlog(rows.order_by("created_at", "id"))


def is_overdue(faces: Backlog) -> bool:
    """Whether `realname_settle` should have ended the oldest face."""
    return faces.oldest is not None and faces.oldest < timezone.now() - OVERDUE
