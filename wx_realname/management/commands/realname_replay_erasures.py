"""After a restore: erases again the records that had been erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep.erasures import BATCH, Erasure, Unsigned, came_back, parse, replay


def read_erasures(path: Path) -> list[Erasure]:
    """The erasures of a file. Raises `CommandError`, which names the line, for one that isn't signed."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        words = _("%(path)s can't be read (%(error)s).")
        raise CommandError(words % {"path": path, "error": type(error).__name__}) from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse(line))
        except Unsigned:
            words = _(
                "%(path)s, line %(number)d: AUDIT_KEYS didn't sign it. Give the file as "
                "realname_erasures printed it. A list made before AUDIT_KEYS were set must be made "
                "anew by realname_erasures on the live site."
            )
            raise CommandError(words % {"path": path, "number": number}) from None
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
                words = _("%(record)s, erased at %(time)s, came back.")
                self.stdout.write(words % {"record": each.record, "time": each.erased_at})
            return
        count, say = 0, progress(self.stderr)
        for record in replay(known, batch_size=batch_size):
            count += 1
            self.stdout.write(_("%(record)s was erased again.") % {"record": record})
            say(_("erased"), count)
        words = _("Erased again: %(count)d of %(known)d.")
        self.stdout.write(words % {"count": count, "known": len(known)})
