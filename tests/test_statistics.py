"""Hourly statistics: counted from the trail, once, and again while an hour isn't complete."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone as django_timezone

from tests.cases import each
from tests.conftest import AUTH_TOKEN, at_once
from tests.console import end_of_attempt, ended
from tests.lying_wechat import LyingWeChat, refuses
from wx_realname import statistics
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, HourlyStatistic
from wx_realname.services import exchange
from wx_realname.services.operation.usage import busiest_days, usage
from wx_realname.statistics import HOUR, LATENESS, LIMITS_MS, Summary

pytestmark = pytest.mark.django_db
FIGURES = ("hour", "merchant", "method", "attempts", "peak", "peak_at", "outcomes", "durations")
MORE: dict[str, Any] = {
    "merchant": "default",
    "method": "authorize",
    "attempts": 1,
    "peak": 1,
    "outcomes": [],
    "durations": [0] * (len(LIMITS_MS) + 1),
    "complete": True,
}
OLD = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)


def counted(at: datetime | None = None) -> int:
    """How many attempts were counted now, or at that moment."""
    with pytest.MonkeyPatch.context() as patch:
        if at:
            patch.setattr(statistics.timezone, "now", lambda: at)
        return sum(statistics.roll_up())


def of_each() -> models.QuerySet[HourlyStatistic]:
    """The hours by merchant and method, without those of all together."""
    return statistics.by_merchant(OLD - timedelta(days=3_660))


def test_every_attempt_that_ended_is_counted_and_nothing_else(
    liar: LyingWeChat, user: Any, configure: Any
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN)
    liar.play(refuses(94002), refuses(94006))
    for token in ("second", "third"):
        with pytest.raises(RealNameError):
            exchange(user=user, auth_token=token)
    AuditEvent.objects.create(event="reveal", created_at=django_timezone.now())
    ended(django_timezone.now(), event="exchange_superseded")
    assert counted() == 3
    rows = of_each()
    summary = Summary.of(rows)
    assert summary.attempts == sum(summary.durations) == 3
    assert summary.by_status == {"verified": 1, "rejected": 1, "failed": 1}
    assert summary.errors == {("no_wechat_pay", 94002): 1, ("misconfigured", 94006): 1}
    assert {(row.merchant, row.method, row.complete) for row in rows} == {
        ("default", "authorize", False)
    }


def test_a_crowd_is_counted_as_a_plain_loop_counts_it() -> None:
    dice = random.Random(7)
    outcomes = [("verified", "", None), ("failed", "misconfigured", 94006), ("unknown", "x", None)]
    events = []
    for _ in range(2_000):
        status, error_code, errcode = dice.choice(outcomes)
        events.append(
            end_of_attempt(
                OLD + timedelta(seconds=dice.uniform(0, 5 * 86_400)),
                event=dice.choice(statistics.ENDS),
                merchant=dice.choice(["default", "clinic"]),
                method=dice.choice(["authorize", "check"]),
                status=status,
                error_code=error_code,
                errcode=errcode,
                duration_ms=dice.choice([None, *LIMITS_MS, 11, 20_001]),
            )
        )
    AuditEvent.objects.bulk_create(events)
    assert counted() == 2_000

    rows, hours = list(of_each()), defaultdict(list)
    for event in events:
        hour = event.created_at.replace(minute=0, second=0, microsecond=0)
        hours[event.merchant, event.method, hour].append(event)
    assert len(rows) == len(hours)
    for row in rows:
        mine = hours[row.merchant, row.method, row.hour]
        minutes = Counter(event.created_at.replace(second=0, microsecond=0) for event in mine)
        assert (row.attempts, row.complete) == (len(mine), True)
        assert row.peak == minutes[row.peak_at] == max(minutes.values())
        limits = [*LIMITS_MS, math.inf]
        for number, (low, high) in enumerate(zip([-1, *limits[:-1]], limits, strict=True)):
            times = [event.duration_ms for event in mine if event.duration_ms is not None]
            assert row.durations[number] == sum(low < time <= high for time in times)
    assert Summary.of(rows).by_status == Counter(event.status for event in events)
    assert Summary.of(statistics.hours(OLD)) == replace(Summary.of(rows), **_peak(events))


def _peak(events: list[AuditEvent]) -> dict[str, Any]:
    """The minute in which all merchants together had the most attempts."""
    minutes = Counter(event.created_at.replace(second=0, microsecond=0) for event in events)
    peak = max(minutes.values())
    return {"peak": peak, "peak_at": min(at for at, count in minutes.items() if count == peak)}


def test_all_together_is_a_row_an_hour_however_many_merchants_there_are() -> None:
    for merchant in ("default", "clinic", "school"):
        for method in ("authorize", "check"):
            ended(OLD, merchant=merchant, method=method)
    assert counted() == 6
    assert [row.attempts for row in statistics.hours(OLD)] == [6]
    assert [row.attempts for row in statistics.hours(OLD, "clinic")] == [1, 1]


def test_statistics_changed_behind_our_back_are_counted_anew() -> None:
    for n in (0, 1, 40):
        ended(OLD + n * HOUR, duration_ms=n)
    counted()
    before = list(HourlyStatistic.objects.order_by("hour", "merchant").values(*FIGURES))
    table = HourlyStatistic._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET attempts = 99, peak = 98")  # noqa: S608
    forged = HourlyStatistic.objects.filter(hour=OLD)
    for hours in (7, 60, 10**5):
        for row in forged:
            row.pk, row.hour, row.complete = None, OLD + hours * HOUR, True
            row.save(force_insert=True)
    kept = HourlyStatistic.objects.create(hour=OLD - HOUR, peak_at=OLD - HOUR, **MORE)
    counted()
    assert HourlyStatistic.objects.count() == len(before) + 7
    call_command("realname_usage", "--recount", stdout=StringIO())
    assert HourlyStatistic.objects.filter(pk=kept.pk).delete()[0] == 1, "older than the trail"
    assert list(HourlyStatistic.objects.order_by("hour", "merchant").values(*FIGURES)) == before
    with pytest.raises(CommandError, match="--recount writes"):
        call_command("realname_usage", "--recount", "--dry-run")


def test_an_hour_is_counted_again_until_it_is_complete_and_then_no_more() -> None:
    now = django_timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    moments = (this_hour, this_hour - 30 * HOUR)
    for at in moments:
        ended(at)
    assert counted() == 2
    for at in moments:
        ended(at)
    counted()
    recent, old = of_each().order_by("-hour")
    assert (recent.attempts, recent.complete) == (2, False)
    assert (old.attempts, old.complete) == (1, True)


@pytest.mark.parametrize("before", [0, 1], ids=["into an empty hour", "into a counted hour"])
def test_a_late_commit_is_counted(before: int) -> None:
    """An event stamped within an hour may be committed after its end."""
    earlier = OLD + timedelta(minutes=59) if before else OLD - 5 * HOUR
    ended(earlier)
    ended(OLD + HOUR)
    assert counted(at=OLD + HOUR + timedelta(seconds=1)) == 2
    ended(OLD + timedelta(minutes=59, seconds=59))
    counted(at=OLD + HOUR + LATENESS)
    *_, first, second = of_each().order_by("hour")
    assert (first.attempts, first.complete) == (1 + before, True)
    assert (second.attempts, second.complete) == (1, False)


def test_what_a_clock_that_ran_ahead_counted_hides_no_hour() -> None:
    ahead = OLD + timedelta(days=2)
    ended(OLD)
    ended(ahead)
    assert counted(at=ahead) == 2
    ended(OLD + 2 * HOUR)
    counted(at=OLD + 3 * HOUR)
    assert Summary.of(of_each()).attempts == 3


def test_a_dense_hour_is_not_counted_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "DENSE", 3)
    ended(OLD, 3)
    assert [counted(at=OLD + timedelta(minutes=minute)) for minute in (30, 31)] == [3, 0]
    ended(OLD)
    ended(OLD + HOUR)
    assert counted(at=OLD + HOUR + LATENESS) == 5
    assert Summary.of(of_each()).attempts == 5


@pytest.mark.skipif(
    not connection.features.supports_update_conflicts, reason="a query for each hour there"
)
def test_empty_years_cost_no_queries() -> None:
    ended(OLD - timedelta(days=3_000))
    ended(OLD)
    with CaptureQueriesContext(connection) as queries:
        assert counted() == 2
    assert len(queries) < 20
    assert counted() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_count_everything_once() -> None:
    moments = (OLD + n * timedelta(minutes=7) for n in range(500))
    AuditEvent.objects.bulk_create(map(end_of_attempt, moments))
    at_once(*[counted] * 4)
    assert Summary.of(of_each()).attempts == 500
    assert counted() == 0


class TestUsage:
    def test_it_tells_calls_by_merchant_beside_what_was_declared(
        self, configure: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure(merchant={"APPLICATION": {"DAILY_CALLS": 100, "PEAK_CALLS_PER_MINUTE": 2}})
        noon = django_timezone.localtime().replace(hour=0, minute=0, second=1) - timedelta(days=1)
        ended(noon, 4)
        ended(noon, merchant="clinic", method="check")
        call_command("realname_usage")
        told = capsys.readouterr().out
        assert (
            f"""\
clinic, check: 1 call in 2 days
  calls a day: mean 0.5, most 1 on {noon:%Y-%m-%d}
  calls a minute: mean 0.00, peak 1 at {noon:%Y-%m-%d %H:%M}
default, authorize: 4 calls in 2 days
  calls a day: mean 2.0 (100 declared), most 4 on {noon:%Y-%m-%d}
  calls a minute: mean 0.00, peak 4 (2 declared) at {noon:%Y-%m-%d %H:%M}
  MORE THAN WAS DECLARED: report it to WeChat before it limits the calls.
"""
            == told
        )

    def test_the_database_sums_what_a_plain_loop_sums(self) -> None:
        dice, now = random.Random(5), django_timezone.now().replace(second=0, microsecond=0)
        pairs = [("default", "authorize"), ("default", "check"), ("clinic", "check")]
        calls = [
            (dice.choice(pairs), now - dice.randrange(20 * 1_440) * timedelta(minutes=1))
            for _ in range(3_000)
        ]
        AuditEvent.objects.bulk_create(
            end_of_attempt(at, merchant=merchant, method=method) for (merchant, method), at in calls
        )
        counted()
        since = now - timedelta(days=30)
        told = {(one.merchant, one.method): one for one in usage(since)}
        assert sorted(told) == sorted(pairs) and usage(since, "clinic") == [told[pairs[2]]]
        for pair in pairs:
            moments = [django_timezone.localtime(at) for whose, at in calls if whose == pair]
            minutes, by_day = Counter(moments), Counter(at.date() for at in moments)
            one, most = told[pair], max(minutes.values())
            assert (one.calls, one.peak) == (len(moments), most)
            assert one.peak_at == min(at for at, count in minutes.items() if count == most)
            assert one.days == (django_timezone.localdate() - min(by_day)).days + 1
            assert one.daily == one.calls / one.days
            day, calls_of_it = busiest_days(since)[pair]
            assert calls_of_it == by_day[day] == max(by_day.values())

    def test_calls_of_a_clock_that_ran_ahead_are_no_fault(self) -> None:
        tomorrow = django_timezone.now() + timedelta(days=1)
        ended(tomorrow)
        counted(at=tomorrow)
        (one,) = usage(OLD)
        assert (one.days, one.daily) == (1, 1.0)

    def test_a_dry_run_counts_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        ended(django_timezone.now())
        call_command("realname_usage", "--dry-run", "--days", "7")
        assert capsys.readouterr().out == "No attempt of the last 7 days is counted yet.\n"
        assert not HourlyStatistic.objects.exists()

    @each("days", ["0", "-1", "99999"])
    def test_a_senseless_number_of_days_is_refused(self, days: str) -> None:
        with pytest.raises(CommandError, match="--days"):
            call_command("realname_usage", f"--days={days}")

    def test_a_wrong_setting_is_named(self, configure: Any) -> None:
        configure(STORAGE="paper")
        with pytest.raises(CommandError, match="STORAGE"):
            call_command("realname_usage")
