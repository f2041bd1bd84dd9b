"""Removes old events of the trail; their leaf hashes stay, and the chain still verifies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.moments import midnight
from wx_realname.services.upkeep.expiry import BATCH, allowed, expire, expired


class Command(RealnameCommand):
    help = (
        "Remove sealed events from before a day that is at least three years ago. Events that records depend "
        "on stay; of the others the leaf hashes stay and still verify. It can be stopped and run again. "
        "Remove the triggers before; seal afterwards."
    )
    needs = gettext_lazy(
        "If the triggers are installed, run realname_protect_audit --remove before, and --install "
        "afterwards. The role needs DELETE on the trail's tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, help="a day such as 2023-01-01")
        parser.add_argument("--force", action="store_true", help="allow less than three years")
        add_batch_size(parser, BATCH, most=10_000)
        parser.add_argument("--dry-run", action="store_true", help="only print how many there are")

    def handle(
        self,
        *args: Any,
        before: str,
        force: bool,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        limit = _moment(before)
        if dry_run:
            found = expired(allowed(limit, force=force)).count()
            words = ngettext(
                "%(count)d event would be removed.", "%(count)d events would be removed.", found
            )
            self.stdout.write(words % {"count": found})
            return
        count, say = 0, progress(self.stderr)
        for removed in expire(limit, batch_size=batch_size, force=force):
            count += removed
            say(_("events"), count)
        words = ngettext(
            "%(count)d event was removed. Run realname_seal_audit.",
            "%(count)d events were removed. Run realname_seal_audit.",
            count,
        )
        self.stdout.write(words % {"count": count})


def _moment(text: str) -> datetime:
    try:
        if day := parse_date(text):
            return midnight(day)
    except (ValueError, OverflowError):
        pass
    raise CommandError(_('--before must be a day such as "2023-01-01".'))
