"""Writes the evidence for the yearly audit, as JSON and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname import audit
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.operation.evidence import as_json, evidence, tables


class Command(RealnameCommand):
    help = (
        "Write the evidence for the yearly audit: accesses by officer, consents by notice, erasures, "
        "retention, keys, seals, checks, settings and minors, without a citizen's name and without "
        "secrets, as JSON and CSV. Verifies the whole trail, as realname_verify_audit does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="the calendar year")
        parser.add_argument(
            "folder", type=Path, nargs="?", help="where to write; else the JSON is printed"
        )
        add_batch_size(parser, audit.RECORD_BATCH, most=10_000)
        parser.add_argument("--dry-run", action="store_true", help="write nothing, name the files")

    def handle(
        self,
        *args: Any,
        year: int,
        folder: Path | None,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if not 2000 <= year <= 9998:
            raise CommandError(_("--year must be a year such as 2026."))
        pack = evidence(year, progress(self.stderr), batch_size=batch_size)
        if folder is None:
            self.stdout.write(as_json(pack), ending="")
            return
        files = {"evidence.json": as_json(pack), **tables(pack)}
        listed = {"count": len(files), "path": folder, "names": ", ".join(sorted(files))}
        if dry_run:
            self.stdout.write(_("Would be written to %(path)s: %(names)s.") % listed)
            return
        _write(files, folder)
        words = ngettext(
            "%(count)d file in %(path)s: %(names)s.",
            "%(count)d files in %(path)s: %(names)s.",
            len(files),
        )
        self.stdout.write(words % listed)


def _write(files: dict[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        words = _("%(path)s can't be written (%(error)s).")
        raise CommandError(words % {"path": folder, "error": type(error).__name__}) from None
