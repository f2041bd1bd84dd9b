"""Hourly statistics, counted from the trail by a command or for the overview, never in an exchange.

An hour is counted again until it is complete: until LATENESS after its end, when every transaction
that stamped an event within it has long been committed.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import timezone as tz
from itertools import accumulate
from operator import add
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Case, Count, Value, When
from django.db.models.functions import TruncMinute
from django.utils import timezone

from . import audit
from .models import AuditEvent, HourlyStatistic

#: Upper limits of the durations' buckets in milliseconds; one more bucket holds what took longer.
LIMITS_MS = (
    *(10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000),
)
LATENESS = timedelta(minutes=10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DENSE = 100_000  # attempts in one query, above which the next one looks at a single hour

#: How an attempt ends; a late answer that was discarded had ended before.
ENDS = (AuditEvent.Event.EXCHANGE, AuditEvent.Event.EXCHANGE_ABANDONED)

#: Merchant and method of the rows that hold an hour of all together.
ALL = ("", "")

_KEY = ("hour", "merchant", "method")
_COUNTED = ("attempts", "peak", "peak_at", "outcomes", "durations", "complete")


# --- counting -------------------------------------------------------------------------------------


def roll_up(*, batch_size: int = DENSE) -> Iterator[int]:
    """Count uncounted events, oldest first; yield how many attempts each step counted.

    After a step of `batch_size` attempts the next looks at a single hour, which is counted whole. It may
    be stopped between any two steps, and run twice at once.
    """
    using = router.db_for_write(HourlyStatistic)
    yield from _count_step(using, _first(using), batch_size)


def recount(*, batch_size: int = DENSE) -> Iterator[int]:
    """Count again all events of the trail, as `roll_up` does: statistics aren't sealed.

    What was counted before the trail's first event, or before its limit of expiry, stays: events of that
    time may have been removed since.
    """
    using, limit = router.db_for_write(HourlyStatistic), audit.expiry_limit()
    start = _hour_with_events(using, limit and _hour_of(limit) + HOUR)
    yield from _count_step(using, start, batch_size, anew=True)


def _count_step(
    using: str, start: datetime | None, batch_size: int, *, anew: bool = False
) -> Iterator[int]:
    span, left = HOUR, start
    rows = HourlyStatistic.objects.using(using)
    while start is not None:
        now = timezone.now()
        end = min(start + span, _hour_of(now) + HOUR)
        with transaction.atomic(using=using):
            if anew:
                rows.filter(hour__gte=left, hour__lt=end).delete()
            counted = _count(using, start, end, now)
        yield counted
        left = end
        span = min(2 * span, DAY) if counted < batch_size else HOUR
        start = None if end > now else _hour_with_events(using, end)
    if anew and left is not None:
        rows.filter(hour__gte=left).delete()


def _first(using: str) -> datetime | None:
    """The hour to begin with: the first after those that are complete.

    It may be one before the first that is known to be incomplete: a late commit fell into an hour that
    was empty. What a clock that ran ahead counted does not describe the hours before. A dense hour isn't
    counted at every look: None, until it can be complete.
    """
    now = timezone.now()
    past = HourlyStatistic.objects.using(using).filter(merchant=ALL[0], hour__lte=now)
    complete = past.filter(complete=True)
    # `IN (false)`: for `NOT complete`, into which Django turns the plain way, SQLite takes no index
    unfinished = past.filter(complete__in=[False]).order_by("hour").first()
    if unfinished:
        if unfinished.attempts >= DENSE and unfinished.hour + HOUR + LATENESS > now:
            return None
        complete = complete.filter(hour__lt=unfinished.hour)
    last = complete.order_by("-hour").first()
    return _hour_with_events(using, last.hour + HOUR if last else None)


def _hour_with_events(using: str, since: datetime | None) -> datetime | None:
    """The first hour from `since` on in which an attempt ended."""
    ends = _ends(using)
    if since is not None:
        ends = ends.filter(created_at__gte=since)
    # one look into the index for each kind of event: both at once would sort all that is left
    firsts = [
        ends.filter(event=event).order_by("created_at", "id").values_list("created_at").first()
        for event in ENDS
    ]
    return min((_hour_of(first[0]) for first in firsts if first), default=None)


def _ends(using: str) -> models.QuerySet[AuditEvent]:
    return AuditEvent.objects.using(using).filter(event__in=ENDS)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(tz.utc).replace(minute=0, second=0, microsecond=0)


def _count(using: str, start: datetime, end: datetime, now: datetime) -> int:
    hours: dict[tuple[datetime, str, str], _Hour] = {}
    for minute, merchant, method, *what, attempts in _groups(using, start, end):
        for whose in ((merchant, method), ALL):
            hour = hours.setdefault((_hour_of(minute), *whose), _Hour())
            hour.add(minute, tuple(what[:-1]), what[-1], attempts)
    rows = [
        hour.row(key, complete=key[0] + HOUR + LATENESS <= now)
        for key, hour in sorted(hours.items())  # in one order: two at once don't deadlock
    ]
    features = connections[using].features
    if features.supports_update_conflicts:
        HourlyStatistic.objects.using(using).bulk_create(
            rows,
            update_conflicts=True,
            update_fields=_COUNTED,
            unique_fields=_KEY if features.supports_update_conflicts_with_target else None,
            batch_size=500,
        )
    else:
        _write_each(using, rows)
    return sum(row.attempts for row in rows if row.merchant == ALL[0])


def _write_each(using: str, rows: list[HourlyStatistic]) -> None:
    """A database without INSERT … ON CONFLICT: two writers at once leave what the later one counted."""
    for row in rows:
        key = {name: getattr(row, name) for name in _KEY}
        counted = {name: getattr(row, name) for name in _COUNTED}
        HourlyStatistic.objects.using(using).update_or_create(**key, defaults=counted)


def _groups(using: str, start: datetime, end: datetime) -> Iterable[Any]:
    buckets = [When(duration_ms__lte=limit, then=Value(n)) for n, limit in enumerate(LIMITS_MS)]
    over = When(duration_ms__isnull=False, then=Value(len(LIMITS_MS)))
    return (
        _ends(using)
        .filter(created_at__gte=start, created_at__lt=end)
        .annotate(
            minute=TruncMinute("created_at", tzinfo=tz.utc),
            bucket=Case(*buckets, over, output_field=models.IntegerField()),
        )
        .order_by()
        .values_list("minute", "merchant", "method", "status", "error_code", "errcode", "bucket")
        .annotate(attempts=Count("id"))
    )


class _Hour:
    """The figures of one hour."""

    def __init__(self) -> None:
        self._minutes: Counter[datetime] = Counter()
        self._outcomes: Counter[tuple[Any, ...]] = Counter()
        self._durations = [0] * (len(LIMITS_MS) + 1)

    def add(
        self, minute: datetime, outcome: tuple[Any, ...], bucket: int | None, attempts: int
    ) -> None:
        self._minutes[minute] += attempts
        self._outcomes[outcome] += attempts
        if bucket is not None:
            self._durations[bucket] += attempts

    def row(self, key: tuple[datetime, str, str], *, complete: bool) -> HourlyStatistic:
        peak = max(self._minutes.values())
        return HourlyStatistic(
            **dict(zip(_KEY, key, strict=True)),
            attempts=self._minutes.total(),
            peak=peak,
            peak_at=min(minute for minute, count in self._minutes.items() if count == peak),
            outcomes=[
                [*outcome, count] for outcome, count in sorted(self._outcomes.items(), key=str)
            ],
            durations=self._durations,
            complete=complete,
        )


# --- reading --------------------------------------------------------------------------------------


@dataclass
class Summary:
    """Attempts, what came of them, and how long they took, over any number of hours."""

    attempts: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    #: by (this package's error code, WeChat's return code or None)
    errors: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    durations: list[int] = field(default_factory=lambda: [0] * (len(LIMITS_MS) + 1))
    peak: int = 0
    peak_at: datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[HourlyStatistic]) -> Summary:
        found = cls()
        for row in rows:
            found.attempts += row.attempts
            for status, error_code, errcode, attempts in row.outcomes:
                found.by_status[status] += attempts
                if error_code:
                    found.errors[error_code, errcode] += attempts
            found.durations = list(map(add, found.durations, row.durations))
            if row.peak > found.peak:
                found.peak, found.peak_at = row.peak, row.peak_at
        return found

    def quantile(self, share: float) -> float | None:
        """Milliseconds within which that share of the attempts ended: a limit of `LIMITS_MS`.

        `math.inf` when it is more than the last of them; None when nothing was timed.
        """
        timed = sum(self.durations)
        if not timed:
            return None
        bucket = bisect.bisect_left(list(accumulate(self.durations)), share * timed)
        return (*LIMITS_MS, math.inf)[bucket]


def hours(since: datetime, merchant: str | None = None) -> list[HourlyStatistic]:
    """What is counted from that moment on, oldest first: of one merchant, or of all together.

    All together is a row an hour, however many merchants there are.
    """
    return list(_rows_since(since).filter(merchant=merchant or ALL[0]).order_by("hour"))


def by_merchant(since: datetime) -> models.QuerySet[HourlyStatistic]:
    """What is counted from that moment on, of each merchant and method."""
    return _rows_since(since).exclude(merchant=ALL[0])


def _rows_since(since: datetime) -> models.QuerySet[HourlyStatistic]:
    """A replica may not know yet what was just counted."""
    known = HourlyStatistic.objects.using(router.db_for_write(HourlyStatistic))
    return known.filter(hour__gte=since)
