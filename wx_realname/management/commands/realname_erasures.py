"""Prints a signed list of erased records: to be kept outside the database, for use after a restore."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname import conf
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.models import Verification
from wx_realname.services.upkeep.erasures import BATCH, erasures


class Command(RealnameCommand):
    help = (
        "Print a signed line for every erased record. Keep the list with the checkpoints, outside the "
        "database and its backups."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, BATCH, most=10_000)
        parser.add_argument("--dry-run", action="store_true", help="only print how many there are")

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        conf.current()  # raises for wrong settings, even when no record was erased
        if dry_run:
            count = Verification.objects.deciding().filter(status="erased").count()
            words = ngettext(
                "%(count)d erasure would be printed.", "%(count)d erasures would be printed.", count
            )
            self.stdout.write(words % {"count": count})
            return
        say = progress(self.stderr)
        for number, line in enumerate(erasures(batch_size=batch_size), start=1):
            self.stdout.write(line)
            say(_("erasures"), number)
