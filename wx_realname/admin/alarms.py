"""What somebody must look into: officers who reached SEARCH_RATE, and faces that stay undecided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from ..exceptions import Throttled
from ..models import AuditEvent, Verification
from .names import shown, usernames

RECENT = timedelta(days=1)
MOST = 1_000  # waiting faces: counted no further
OVERDUE = timedelta(hours=2)  # WeChat answers for one


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


@dataclass(frozen=True)
class Waiting:
    """How many faces wait for WeChat's answer, and since when the oldest does."""

    count: int
    uncounted: bool
    oldest: datetime

    @property
    def is_overdue(self) -> bool:
        """Whether `realname_settle` should have ended the oldest."""
        return self.oldest < timezone.now() - OVERDUE


def waiting() -> Waiting | None:
    """One query, answered by an index; None where nothing waits."""
    rows = Verification.objects.filter(status=Verification.Status.WAITING)
    times = list(rows.order_by("created_at", "id").values_list("created_at", flat=True)[: MOST + 1])
    return Waiting(min(len(times), MOST), len(times) > MOST, times[0]) if times else None
