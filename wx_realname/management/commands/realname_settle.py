"""Ask WeChat how the faces that still wait have ended, before their hour is over."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep import settle

STILL_WAITING = "waiting"


class Command(RealnameCommand):
    help = (
        "Ask WeChat for face verifications that wait: once at an age of 10 minutes, and in every run from "
        "minute 50 on. Run it every five minutes. It can be stopped and run again, and run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, settle.BATCH, most=10_000)
        parser.add_argument(
            "--all", action="store_true", help="ask for every waiting record now", dest="everything"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(
        self, *args: Any, batch_size: int, everything: bool, dry_run: bool, **options: Any
    ) -> None:
        if dry_run:
            count = settle.due(timezone.now(), everything=everything).count()
            self.stdout.write(f"{count} would be asked for.")
            return
        found: Counter[str] = Counter()
        say = progress(self.stderr)
        for settled in settle.settle(everything=everything, batch_size=batch_size):
            found[settled.status] += 1
            say("asked for", sum(found.values()))
        waiting = found.pop(STILL_WAITING, 0)
        ended = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
        words = f"{sum(found.values())} ended{f' ({ended})' if ended else ''}"
        self.stdout.write(f"{words}, {waiting} still waiting.")
