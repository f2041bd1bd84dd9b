"""Install or remove the triggers that make the audit trail append-only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from wx_realname import audit
from wx_realname.exceptions import ConfigurationError


class Command(BaseCommand):
    help = "Database triggers that refuse to change or delete audit events and seals (opt-in)."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--install", action="store_true", help="make the triggers")
        what.add_argument("--remove", action="store_true", help="remove them")

    def handle(self, *args: Any, install: bool, **options: Any) -> None:
        try:
            audit.install_protection() if install else audit.remove_protection()
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(
                f"The database refused: {error}. Managed MySQL may need log_bin_trust_function_creators; "
                "or give the site's role only INSERT and SELECT on the audit tables."
            ) from None
        self.stdout.write(
            "The audit trail is protected." if install else "The triggers are removed."
        )
