"""End attempts that a crash left pending, and erase what is older than RETENTION_DAYS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wx_realname.exceptions import ConfigurationError
from wx_realname.management.options import progress
from wx_realname.services import lifecycle


class Command(BaseCommand):
    help = (
        "Make attempts that a crash left pending unknown (PENDING_TIMEOUT), and erase personal data "
        "older than RETENTION_DAYS. It can be stopped and run again, and run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=500, help="rows a query (500)")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        if not 1 <= batch_size <= 100_000:
            raise CommandError("--batch-size must be 1 to 100000.")
        try:
            if dry_run:
                ended = lifecycle.stuck().count()
                erased = lifecycle.outlived().count() + lifecycle.ownerless().count()
            else:
                ended = self._run("ended", lifecycle.end_stuck(batch_size=batch_size))
                erased = self._run("erased", lifecycle.erase_ownerless(batch_size=batch_size))
                erased += self._run("erased", lifecycle.erase_outlived(batch_size=batch_size))
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        would = "would be " if dry_run else ""
        self.stdout.write(f"{ended} pending {would}made unknown, {erased} {would}erased.")

    def _run(self, verb: str, rows: Iterable[object]) -> int:
        count, say = 0, progress(self.stderr)
        for count, _row in enumerate(rows, start=1):
            say(verb, count)
        return count
