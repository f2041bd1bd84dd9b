"""Seal the audit trail, and print a checkpoint to keep elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from wx_realname import audit
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress


class Command(RealnameCommand):
    help = (
        "Gather unsealed audit events into Merkle trees, link and sign them, and print a checkpoint: "
        "keep it where nobody who can change the database can. Run it regularly; it may run twice at once."
    )
    needs = (
        "The sealer needs SELECT and INSERT on the tables of events and seals, and UPDATE of an event's "
        "seal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, audit.SEAL_BATCH, most=100_000)
        parser.add_argument("--dry-run", action="store_true", help="only say how many are unsealed")

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        if dry_run:
            self.stdout.write(f"{audit.tail().count} events are unsealed.")
            return
        count, last = 0, None
        say = progress(self.stderr)
        for last in audit.seal(batch_size=batch_size):
            count += last.count
            say("events", count)
        if last is not None:
            self.stdout.write(f"Events sealed: {count}. Checkpoint:\n{audit.Checkpoint.of(last)}")
