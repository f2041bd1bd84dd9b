"""Ends attempts that a crash left pending, and erases records past RETENTION_DAYS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep import purge


class Command(RealnameCommand):
    help = (
        "End attempts that a crash left pending (PENDING_TIMEOUT): they become unknown, the begin of a "
        "face failed. Erase personal data older than RETENTION_DAYS. It can be stopped and run again, and "
        "run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, purge.BATCH, most=10_000)
        parser.add_argument("--dry-run", action="store_true", help="only print how many there are")

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        if dry_run:
            ended = purge.stuck().count()
            erased = purge.ownerless().count() + purge.outlived().exclude(user=None).count()
        else:
            ended = self._run(_("ended"), purge.end_stuck(batch_size=batch_size))
            erased = self._run(_("erased"), purge.erase_ownerless(batch_size=batch_size))
            erased += self._run(_("erased"), purge.erase_outlived(batch_size=batch_size))
        words = (
            _("%(ended)d pending would be ended, %(erased)d would be erased.")
            if dry_run
            else _("%(ended)d pending ended, %(erased)d erased.")
        )
        self.stdout.write(words % {"ended": ended, "erased": erased})

    def _run(self, verb: str, rows: Iterable[object]) -> int:
        count, say = 0, progress(self.stderr)
        for count, _row in enumerate(rows, start=1):
            say(verb, count)
        return count
