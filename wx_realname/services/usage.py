"""How much WeChat is called, beside what was declared to it: what an application form asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from .. import conf
from ..models import HourlyStatistic, Verification
from ..statistics import Summary

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
    most_in_a_day: int
    busiest_day: date
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


def usage(rows: Iterable[HourlyStatistic]) -> list[Usage]:
    """Of each merchant and method of the hours given; a day is the site's."""
    groups: dict[tuple[str, str], list[HourlyStatistic]] = {}
    for row in rows:
        groups.setdefault((row.merchant, row.method), []).append(row)
    return [_usage(groups[key]) for key in sorted(groups)]


def _usage(rows: list[HourlyStatistic]) -> Usage:
    by_day: Counter[date] = Counter()
    for row in rows:
        by_day[_day(row)] += row.attempts
    summary, first = Summary.of(rows), rows[0]
    busiest_day, most = by_day.most_common(1)[0]
    declared = _declared(first.merchant)
    return Usage(
        merchant=first.merchant,
        method=first.method,
        calls=summary.attempts,
        days=max(1, (timezone.localdate() - min(by_day)).days + 1),  # a clock may have run ahead
        most_in_a_day=most,
        busiest_day=busiest_day,
        peak=summary.peak,
        peak_at=summary.peak_at or first.hour,
        declared_daily=declared("DAILY_CALLS"),
        declared_peak=declared("PEAK_CALLS_PER_MINUTE"),
    )


def _day(row: HourlyStatistic) -> date:
    return timezone.localtime(row.hour).date()


def _declared(merchant: str) -> Any:
    """Looks up a number of the merchant's APPLICATION; None for what isn't one."""
    known = conf.current().merchants.get(merchant) if conf.is_set() else None
    application = known.application if known else {}

    def number(name: str) -> int | None:
        value = application.get(name)
        return value if type(value) is int and value > 0 else None

    return number
