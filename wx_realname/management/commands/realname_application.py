"""The form by which the interface is applied for, filled."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from wx_realname import conf, statistics
from wx_realname.exceptions import ConfigurationError
from wx_realname.services import application


class Command(BaseCommand):
    help = (
        "Print the ten-row form by which WeChat's real-name interface is applied for, filled from the "
        "merchant's APPLICATION and from the records: as Markdown, or as a page to print (--html). What "
        "APPLICATION lacks is named on stderr."
    )

    requires_system_checks = ()  # the form comes before the certificate

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--merchant", default="default", help="its alias (default)")
        parser.add_argument("--html", action="store_true", help="a page to print")

    def handle(self, *args: Any, merchant: str, html: bool, **options: Any) -> None:
        try:
            known = conf.current().merchants
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        if merchant not in known:
            raise CommandError(f"There is no merchant {merchant!r}; known are: {', '.join(known)}.")
        try:
            for _counted in statistics.roll_up():
                pass
            form = application.document(known[merchant], "html" if html else "md")
            lacking = application.missing(known[merchant])
        except DatabaseError as error:
            raise CommandError("The calls can't be counted: run manage.py migrate.") from error
        self.stdout.write(form)
        if lacking:
            place = f'WX_REALNAME["MERCHANTS"]["{merchant}"]["APPLICATION"]'
            self.stderr.write(f"{place} lacks: {', '.join(lacking)}.")
