"""After a restore: erases again the records that had been erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep.erasures import BATCH, Erasure, Unsigned, came_back, parse, replay


def read_erasures(path: Path) -> list[Erasure]:
    """The erasures of a file. Raises `CommandError`, which names the line, for one that isn't signed."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} can't be read ({type(error).__name__}).") from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse(line))
        except Unsigned:
            raise CommandError(
                f"{path}, line {number}: AUDIT_KEYS didn't sign it. Give the file as "
                "realname_erasures printed it."
            ) from None
    return found


class Command(RealnameCommand):
    help = (
        "Erase again the records of a list by realname_erasures that came back with a restore. It can be "
        "stopped and run again, and run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what realname_erasures printed")
        add_batch_size(parser, BATCH, most=10_000)
        parser.add_argument(
            "--dry-run", action="store_true", help="only name the records that came back"
        )

    def handle(
        self, *args: Any, file: Path, batch_size: int, dry_run: bool, **options: Any
    ) -> None:
        known = read_erasures(file)
        if dry_run:
            for each in came_back(known, batch_size=batch_size):
                self.stdout.write(f"{each.record}, erased at {each.erased_at}, came back.")
            return
        count, say = 0, progress(self.stderr)
        for record in replay(known, batch_size=batch_size):
            count += 1
            self.stdout.write(f"{record} was erased again.")
            say("erased", count)
        self.stdout.write(f"{count} of {len(known)} were erased again.")
