"""Publishes notices from files; the text of a published version can't change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname.management.base import RealnameCommand
from wx_realname.services.rights.notices import publish


class Command(RealnameCommand):
    help = (
        "Publish the notices of a folder: <purpose>/<version>.<language>.md, with title, handler, recipients "
        "and retention_days as front matter. A changed text of a published version is refused, with the diff."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that has <purpose>/ in it")
        parser.add_argument("--dry-run", action="store_true", help="only print what is new")

    def handle(self, *args: Any, folder: Path, dry_run: bool, **options: Any) -> None:
        new = 0
        for published in publish(folder, dry_run=dry_run):
            notice = published.notice
            new += published.is_new
            if published.is_new and dry_run:  # it has no id yet
                said, id_ = _("new"), ""
            else:
                said = _("published") if published.is_new else _("known")
                id_ = f", id {notice.pk}"
            self.stdout.write(f"{notice}: {said}, sha256 {notice.sha256}{id_}")
        words = (
            ngettext(
                "%(count)d notice would be published.",
                "%(count)d notices would be published.",
                new,
            )
            if dry_run
            else ngettext(
                "%(count)d notice was published.", "%(count)d notices were published.", new
            )
        )
        self.stdout.write(words % {"count": new})
