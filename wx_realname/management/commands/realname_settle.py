"""Asks WeChat how waiting faces ended, before their hour is over."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.models import Verification
from wx_realname.services.upkeep import settle
from wx_realname.vault.opening import open_all

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
        parser.add_argument("--dry-run", action="store_true", help="only print how many there are")

    def handle(
        self, *args: Any, batch_size: int, everything: bool, dry_run: bool, **options: Any
    ) -> None:
        if dry_run:
            count = settle.due(timezone.now(), everything=everything).count()
            self.stdout.write(_("%(count)d would be asked for.") % {"count": count})
            return
        open_all()  # without its keys, every record would stay waiting
        found: Counter[str] = Counter()
        say = progress(self.stderr)
        for settled in settle.settle(everything=everything, batch_size=batch_size):
            found[settled.status] += 1
            say(_("asked for"), sum(found.values()))
        waiting = found.pop(STILL_WAITING, 0)
        labels = {str(value): str(label) for value, label in Verification.Status.choices}
        ended = ", ".join(f"{count} {labels[status]}" for status, count in sorted(found.items()))
        numbers = {"ended": sum(found.values()), "waiting": waiting, "how": ended}
        words = (
            _("%(ended)d ended (%(how)s), %(waiting)d still waiting.")
            if ended
            else _("%(ended)d ended, %(waiting)d still waiting.")
        )
        self.stdout.write(words % numbers)
