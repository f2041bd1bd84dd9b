"""The number of calls to WeChat, beside the declared numbers of the application form."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Min, Sum
from django.utils import timezone

from ... import conf, statistics
from ...models import Verification

MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True)
class Usage:
    """One merchant's calls by one method. Means are over `days`, those since its first call.

    `peak` is the most calls in one minute. What was declared comes from the merchant's APPLICATION
    and is None where nothing was.
    """

    merchant: str
    method: str
    calls: int
    days: int
    peak: int
    peak_at: datetime
    declared_daily: int | None
    declared_peak: int | None

    @property
    def method_name(self) -> Any:
        return dict(Verification.Method.choices).get(self.method, self.method)

    @property
    def daily(self) -> float:
        return self.calls / self.days

    @property
    def mean_a_minute(self) -> float:
        return self.daily / MINUTES_OF_A_DAY

    @property
    def is_over(self) -> bool:
        """Whether there is more than was declared."""
        over_peak = self.declared_peak is not None and self.peak > self.declared_peak
        return over_peak or (self.declared_daily is not None and self.daily > self.declared_daily)


def usage(since: datetime, merchant: str | None = None) -> list[Usage]:
    """Each merchant's calls by each method since then; days are in the site's time zone."""
    rows = statistics.by_merchant(since)
    rows = rows.filter(merchant=merchant) if merchant else rows
    # summed by the database: a row for each peak that an hour reached, the highest first
    loads = rows.values_list("merchant", "method", "peak").order_by("merchant", "method", "-peak")
    loads = loads.annotate(Min("peak_at"), Sum("attempts"), Min("hour"))
    groups = groupby(loads, key=itemgetter(0, 1))
    return [
        _usage(merchant, method, [load[2:] for load in group])
        for (merchant, method), group in groups
    ]


def _usage(merchant: str, method: str, loads: list[Any]) -> Usage:
    peak, peak_at, *_ = loads[0]
    first = _day(min(hour for *_, hour in loads))
    return Usage(
        merchant=merchant,
        method=method,
        calls=sum(attempts for _, _, attempts, _ in loads),
        days=max(1, (timezone.localdate() - first).days + 1),  # a clock may have been wrong
        peak=peak,
        peak_at=peak_at,
        declared_daily=_declared(merchant, "DAILY_CALLS"),
        declared_peak=_declared(merchant, "PEAK_CALLS_PER_MINUTE"),
    )


def busiest_days(since: datetime) -> dict[tuple[str, str], tuple[date, int]]:
    """By merchant and method: the day with the most calls, and how many; days are in the site's time zone."""
    by_day: defaultdict[tuple[str, str], Counter[date]] = defaultdict(Counter)
    rows = statistics.by_merchant(since).values_list("merchant", "method", "hour", "attempts")
    for merchant, method, hour, attempts in rows:
        by_day[merchant, method][_day(hour)] += attempts
    return {pair: days.most_common(1)[0] for pair, days in by_day.items()}


def _day(hour: datetime) -> date:
    return timezone.localtime(hour).date()


def _declared(merchant: str, name: str) -> int | None:
    """A number of the merchant's APPLICATION; None if it isn't a positive number."""
    known = conf.current().merchants.get(merchant) if conf.is_set() else None
    value = known.application.get(name) if known else None
    return value if type(value) is int and value > 0 else None
