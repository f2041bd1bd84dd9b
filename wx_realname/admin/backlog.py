"""Rows that wait: how many, and since when. A page shows them at the same cost however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

MOST = 1_000  # counted no further


@dataclass(frozen=True)
class Backlog:
    """`count` goes up to MOST; `is_more` where there are more. `oldest` is None where nothing waits."""

    count: int
    is_more: bool
    oldest: datetime | None


def backlog(rows: QuerySet[Any]) -> Backlog:
    """Of the rows, ordered with the oldest first. One query."""
    times = list(rows.values_list("created_at", flat=True)[: MOST + 1])
    return Backlog(min(len(times), MOST), len(times) > MOST, times[0] if times else None)
