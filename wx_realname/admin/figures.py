"""The figures of the overview, from the hourly statistics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import statistics
from ..models import HourlyStatistic, Verification
from ..services.operation import remedies
from ..services.operation.usage import Usage, usage
from ..statistics import HOUR, LIMITS_MS, Summary
from .charts import Chart, Slot

#: As they are stacked, and as the style sheet names them.
OUTCOMES = [
    (status.value, status.label)
    for status in (
        Verification.Status.VERIFIED,
        Verification.Status.REJECTED,
        Verification.Status.FAILED,
        Verification.Status.UNKNOWN,
    )
]
WHO = {
    "citizen": gettext_lazy("the citizen"),
    "operator": gettext_lazy("who runs the site"),
    "developer": gettext_lazy("the developer"),
    "wechat": gettext_lazy("WeChat"),
}
HOURS, DAYS = 48, 30
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Outcome:
    status: str
    label: Any
    day: int
    month: int
    share: float  # of the month's attempts, in per cent


@dataclass(frozen=True)
class Error:
    code: str
    errcode: int | None
    words: remedies.Words
    day: int
    month: int

    @property
    def is_alarm(self) -> bool:
        """Whether it happened in the last 24 hours, and the operator can end it."""
        return bool(self.day) and "operator" in remedies.who(self.code, self.errcode)

    @property
    def who(self) -> str:
        """The names of those who can end it."""
        found = remedies.who(self.code, self.errcode)
        return ", ".join(str(name) for who, name in WHO.items() if who in found)


class Figures:
    """The last 24 hours, the last 48 hours by hour, and the last 30 days by day."""

    def __init__(self, rows: list[HourlyStatistic], now: datetime, usage: list[Usage]) -> None:
        self._rows, self.usage = rows, usage
        self._this_hour = now.replace(minute=0, second=0, microsecond=0)
        self._today = timezone.localtime(now).date()
        self.day = Summary.of(row for row in rows if row.hour > self._this_hour - 24 * HOUR)
        self.month = Summary.of(rows)

    @classmethod
    def now(cls, merchant: str | None = None) -> Figures:
        now = timezone.now()
        first = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        since = min(first - timedelta(days=DAYS - 1), now - HOURS * HOUR)
        return cls(statistics.hours(since, merchant), now, usage(since, merchant))

    @property
    def by_hour(self) -> Chart:
        first = self._this_hour - (HOURS - 1) * HOUR
        labels = {
            hour: f"{timezone.localtime(hour):%m-%d %H:%M}"
            for hour in (first + n * HOUR for n in range(HOURS))
        }
        return _chart(labels, ((row.hour, row) for row in self._rows))

    @property
    def by_day(self) -> Chart:
        first = self._today - timedelta(days=DAYS - 1)
        labels = {day: f"{day:%m-%d}" for day in (first + timedelta(days=n) for n in range(DAYS))}
        return _chart(labels, ((timezone.localtime(row.hour).date(), row) for row in self._rows))

    @property
    def by_duration(self) -> Chart:
        names = [f"≤ {duration(limit)}" for limit in LIMITS_MS] + [f"> {duration(LIMITS_MS[-1])}"]
        pairs = zip(names, self.month.durations, strict=True)
        return Chart(
            [Slot(name, {"timed": count}) for name, count in pairs], [("timed", _("attempts"))]
        )

    @property
    def outcomes(self) -> list[Outcome]:
        day, month, total = self.day.by_status, self.month.by_status, self.month.attempts or 1
        return [
            Outcome(status, label, day[status], month[status], 100 * month[status] / total)
            for status, label in OUTCOMES
        ]

    @property
    def errors(self) -> list[Error]:
        """The most frequent first."""
        return [
            Error(
                code, errcode, remedies.words(code, errcode), self.day.errors[code, errcode], count
            )
            for (code, errcode), count in self.month.errors.most_common()
        ]

    @property
    def response_times(self) -> list[tuple[str, str, str]]:
        """For each quantile: its name, its value in the last 24 hours, its value in the last 30 days."""
        names = (_("median"), _("95% within"), _("99% within"))
        return [
            (name, duration(self.day.quantile(share)), duration(self.month.quantile(share)))
            for name, share in zip(names, QUANTILES, strict=True)
        ]


def _chart(labels: Mapping[Any, str], rows: Iterable[tuple[Any, HourlyStatistic]]) -> Chart:
    """A place for each label, by hour or day, with the outcomes of the rows there."""
    counts: dict[Any, Counter[str]] = {place: Counter() for place in labels}
    for place, row in rows:
        if place in counts:
            for status, _code, _errcode, attempts in row.outcomes:
                counts[place][status] += attempts
    return Chart([Slot(label, counts[place]) for place, label in labels.items()], OUTCOMES)


def duration(milliseconds: float | None) -> str:
    """As text, “70 ms” or “1.5 s”; a dash for None."""
    if milliseconds is None:
        return "–"
    if milliseconds == math.inf:
        return f"> {duration(LIMITS_MS[-1])}"
    return f"{milliseconds:.0f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:g} s"
