"""Prints calls a day, and peak and mean calls a minute, by merchant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname import conf, statistics
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.operation.usage import Usage, busiest_days, usage

MOST_DAYS = 3_660


class Command(RealnameCommand):
    help = (
        "Print calls a day, and peak and mean calls a minute, by merchant, beside what was declared to "
        "WeChat (DAILY_CALLS and PEAK_CALLS_PER_MINUTE of the merchant's APPLICATION). Counts first what "
        "isn't counted yet, as the overview does; it can be stopped and run again, and run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="how far back (30)")
        add_batch_size(parser, statistics.DENSE, most=10_000_000)
        parser.add_argument("--dry-run", action="store_true", help="count nothing new")
        parser.add_argument(
            "--recount",
            action="store_true",
            help="count all hours anew from the trail: the statistics themselves aren't sealed",
        )

    def handle(
        self, *args: Any, days: int, batch_size: int, dry_run: bool, recount: bool, **options: Any
    ) -> None:
        if dry_run and recount:
            raise CommandError(_("--recount writes; --dry-run doesn't."))
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(_("--days must be 1 to %(most)d.") % {"most": MOST_DAYS})
        conf.current()
        if not dry_run:
            self._count(statistics.recount if recount else statistics.roll_up, batch_size)
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - timedelta(days=days - 1)
        found, busiest = usage(since), busiest_days(since)
        for one in found:
            self.stdout.write(_describe(one, *busiest[one.merchant, one.method]))
        if not found and dry_run:
            self.stdout.write(
                _("No attempt of the last %(days)d days is counted yet.") % {"days": days}
            )
        elif not found:
            self.stdout.write(_("No attempt ended in the last %(days)d days.") % {"days": days})

    def _count(self, count: Callable[..., Iterator[int]], batch_size: int) -> None:
        total, say = 0, progress(self.stderr)
        for counted in count(batch_size=batch_size):
            total += counted
            say(_("attempts counted"), total)


def _describe(one: Usage, busiest_day: date, most: int) -> str:
    numbers = {
        "merchant": one.merchant,
        "method": one.method,
        "calls": ngettext("%(count)d call", "%(count)d calls", one.calls) % {"count": one.calls},
        "days": ngettext("%(count)d day", "%(count)d days", one.days) % {"count": one.days},
        "daily": one.daily,
        "declared_daily": _declared(one.declared_daily),
        "most": most,
        "day": busiest_day,
        "mean": one.mean_a_minute,
        "peak": one.peak,
        "declared_peak": _declared(one.declared_peak),
        "minute": f"{timezone.localtime(one.peak_at):%Y-%m-%d %H:%M}",
    }
    lines = [
        _("%(merchant)s, %(method)s: %(calls)s in %(days)s"),
        _("  calls a day: mean %(daily).1f%(declared_daily)s, most %(most)d on %(day)s"),
        _("  calls a minute: mean %(mean).2f, peak %(peak)d%(declared_peak)s at %(minute)s"),
    ]
    if one.is_over:
        lines.append(_("  MORE THAN WAS DECLARED: report it to WeChat before it limits the calls."))
    return "\n".join(lines) % numbers


def _declared(number: int | None) -> str:
    return "" if number is None else _(" (%(number)d declared)") % {"number": number}
