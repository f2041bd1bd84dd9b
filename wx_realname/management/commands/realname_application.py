"""Prints the application form for the interface, filled in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from wx_realname import conf, statistics
from wx_realname.management.base import RealnameCommand
from wx_realname.services.operation import application


class Command(RealnameCommand):
    help = (
        "Print the ten-row application form for WeChat's real-name interface, filled in from the "
        "merchant's APPLICATION and from the records: as Markdown, or as a page to print (--html). Values "
        "that APPLICATION lacks are named on stderr."
    )

    requires_system_checks = ()  # the form is needed before there is a certificate
    undone = "The calls can't be counted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--merchant", default="default", help="the merchant's alias (default)")
        parser.add_argument("--html", action="store_true", help="a page to print")

    def handle(self, *args: Any, merchant: str, html: bool, **options: Any) -> None:
        known = conf.current().merchants
        if merchant not in known:
            words = _("There is no merchant “%(merchant)s”; known are: %(known)s.")
            raise CommandError(words % {"merchant": merchant, "known": ", ".join(known)})
        for _counted in statistics.roll_up():
            pass
        self.stdout.write(application.document(known[merchant], "html" if html else "md"))
        if lacking := application.missing(known[merchant]):
            place = f'WX_REALNAME["MERCHANTS"]["{merchant}"]["APPLICATION"]'
            words = _("%(place)s lacks: %(names)s.")
            self.stderr.write(words % {"place": place, "names": ", ".join(lacking)})
