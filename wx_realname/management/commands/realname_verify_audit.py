"""Verify the audit trail: exit 1, naming each wrong event, seal or record."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from wx_realname import audit, conf
from wx_realname.exceptions import ConfigurationError
from wx_realname.management.options import progress


class Command(BaseCommand):
    help = (
        "Compute every node of the audit trail anew, and hold records against their events. Writes nothing. "
        "Exit 1, and which event, seal or record, if anything sealed was changed, removed or added."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="what realname_seal_audit printed: prove that today's trail extends it",
        )

    def handle(self, *args: Any, checkpoint: list[str], **options: Any) -> None:
        try:
            conf.current()  # an empty trail asks for no key, and would be called intact
            checkpoints = [audit.Checkpoint.parse(text) for text in checkpoint]
            found = 0
            for fault in audit.faults(checkpoints, progress(self.stderr)):
                self.stdout.write(self.style.ERROR(fault))
                found += 1
        except (ConfigurationError, ValueError) as error:
            raise CommandError(str(error)) from None
        self._tail()
        if found:
            self.stdout.write(self.style.ERROR(f"The trail is NOT intact: {found} faults."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("The trail is intact."))

    def _tail(self) -> None:
        try:
            tail = audit.tail()
        except audit.UNREADABLE:
            self.stdout.write(self.style.ERROR("What is not sealed yet can't be read."))
            return
        age = timezone.now() - tail.oldest if tail.oldest else None
        since = f", the oldest for {str(age).partition('.')[0]}" if age else ""
        self.stdout.write(f"{tail.count} events are not sealed yet{since}.")
