"""Verify the audit trail: exit 1, naming each wrong event, seal or record; 2 where it can't be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error
from django.utils import timezone

from wx_realname import audit, conf
from wx_realname.management.base import UNDONE, RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.outages import describe
from wx_realname.services.operation.verified import last_seal, remember
from wx_realname.services.upkeep.erasures import Erasure, came_back

from .realname_replay_erasures import read_erasures


class Command(RealnameCommand):
    help = (
        "Compute every node of the audit trail anew, and hold records against their events. Writes nothing "
        "to the database; the console is told the result through CACHE_ALIAS. "
        "Exit 1, and which event, seal or record, if anything sealed was changed, removed or added; exit 2 "
        "if the database doesn't answer, lacks a table or refuses."
    )
    needs = "The verifier needs SELECT on our tables, and on the user table's key and user name."
    undone = "Not everything was verified."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="what realname_seal_audit printed: prove that today's trail extends it",
        )
        add_batch_size(parser, audit.RECORD_BATCH, most=10_000)
        parser.add_argument(
            "--erasures",
            type=Path,
            metavar="FILE",
            help="what realname_erasures printed: name the records that came back to life",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is")

    def handle(
        self,
        *args: Any,
        checkpoint: list[str],
        erasures: Path | None,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        conf.current()  # an empty trail asks for no key, and would be called intact
        checkpoints = _parse(checkpoint)
        known = read_erasures(erasures) if erasures else []
        if dry_run:
            self._extent()
            return
        self._tail()
        seal = last_seal()
        say = progress(self.stderr)
        found = self._name(
            chain(audit.faults(checkpoints, say, batch_size=batch_size), _alive(known))
        )
        remember(seal=seal.number if seal else None, checkpoints=checkpoints, faults=found)
        if found:
            self.stdout.write(self.style.ERROR(f"The trail is NOT intact: {found} faults."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("The trail is intact."))

    def _extent(self) -> None:
        there = audit.extent()
        self.stdout.write(
            f"{there.seals} seals of {there.events} events, and {there.records} records, would be verified."
        )

    def _name(self, faults: Iterator[str]) -> int:
        """How many faults there are; those that were found before the database failed count."""
        found = 0
        try:
            for fault in faults:
                self.stdout.write(self.style.ERROR(fault))
                found += 1
        except Error as error:
            if not found:
                raise
            self.stdout.write(self.style.ERROR(f"{describe(error)} The rest was not verified."))
        return found

    def _tail(self) -> None:
        try:
            tail = audit.tail()
        except audit.UNREADABLE as error:
            audit.tolerate(error)
            self.stdout.write(self.style.ERROR("What is not sealed yet can't be read."))
            return
        age = timezone.now() - tail.oldest if tail.oldest else None
        since = f", the oldest for {str(age).partition('.')[0]}" if age else ""
        self.stdout.write(f"{tail.count} events are not sealed yet{since}.")


def _alive(known: list[Erasure]) -> Iterator[str]:
    for each in came_back(known):
        yield f"record {each.record} was erased at {each.erased_at}, and came back to life"


def _parse(checkpoints: list[str]) -> list[audit.Checkpoint]:
    try:
        return [audit.Checkpoint.parse(text) for text in checkpoints]
    except ValueError as error:
        raise CommandError(str(error), returncode=UNDONE) from None
