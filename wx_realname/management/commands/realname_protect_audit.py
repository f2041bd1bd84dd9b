"""Installs or removes the triggers that make the audit trail, notices and consents append-only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from wx_realname import audit
from wx_realname.management.base import RealnameCommand


class Command(RealnameCommand):
    help = "Database triggers that refuse to change or delete the audit trail, notices and consents (opt-in)."
    needs = (
        "Only the tables' owner may make triggers; managed MySQL may need log_bin_trust_function_creators. "
        "Or give the site's role only INSERT and SELECT on the audit tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--install", action="store_true", help="make the triggers")
        what.add_argument("--remove", action="store_true", help="remove them")

    def handle(self, *args: Any, install: bool, **options: Any) -> None:
        audit.install_protection() if install else audit.remove_protection()
        self.stdout.write(
            _("The audit trail is protected.") if install else _("The triggers are removed.")
        )
