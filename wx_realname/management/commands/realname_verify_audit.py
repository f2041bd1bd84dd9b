"""Verifies the audit trail: exit 1, naming each wrong event, seal or record; 2 if it can't be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wx_realname import audit, conf
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.outages import describe
from wx_realname.services.operation.verified import last_seal, remember
from wx_realname.services.upkeep.erasures import Erasure, came_back

from .realname_replay_erasures import read_erasures


class Command(RealnameCommand):
    help = (
        "Compute every node of the audit trail anew, and compare records with their events. Writes nothing "
        "to the database; the console reads the result from CACHE_ALIAS. "
        "Exit 1, naming each event, seal or record, if anything was changed, removed or added; exit 2 "
        "if the database doesn't answer, lacks a table or refuses."
    )
    needs = gettext_lazy(
        "The verifier needs SELECT on this app's tables, and on the user table's key and user name."
    )
    undone = gettext_lazy("Not everything was verified.")

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
            help="what realname_erasures printed: name the records that came back",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print how much there is")

    def handle(
        self,
        *args: Any,
        checkpoint: list[str],
        erasures: Path | None,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        conf.current()  # raises for wrong settings: an empty trail needs no key
        checkpoints = _parse(checkpoint)
        known = read_erasures(erasures) if erasures else []
        if dry_run:
            self._extent()
            return
        self._tail()
        seal = _last_number()  # before the run: what is sealed meanwhile isn't verified
        say = progress(self.stderr)
        found = self._name(
            chain(audit.faults(checkpoints, say, batch_size=batch_size), _alive(known))
        )
        remember(seal=seal, checkpoints=checkpoints, faults=found)
        if found:
            words = ngettext(
                "The trail is NOT intact: %(count)d fault.",
                "The trail is NOT intact: %(count)d faults.",
                found,
            )
            self.stdout.write(self.style.ERROR(words % {"count": found}))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(_("The trail is intact.")))

    def _extent(self) -> None:
        there = audit.extent()
        words = _("Would be verified: seals: %(seals)d, events: %(events)d, records: %(records)d.")
        self.stdout.write(words % vars(there))

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
            self.stdout.write(
                self.style.ERROR(f"{describe(error)} {_('The rest was not verified.')}")
            )
        return found

    def _tail(self) -> None:
        try:
            tail = audit.tail()
        except audit.UNREADABLE as error:
            audit.tolerate(error)
            self.stdout.write(self.style.ERROR(_("What is not sealed yet can't be read.")))
            return
        self.stdout.write(_tail_words(tail) % {"count": tail.count, "age": _age(tail)})


def _last_number() -> int | None:
    """None where there is no seal, or none that can be read: the run names that fault."""
    try:
        seal = last_seal()
    except audit.UNREADABLE as error:
        audit.tolerate(error)
        return None
    return seal.number if seal and isinstance(seal.number, int) else None


def _tail_words(tail: audit.Tail) -> str:
    if tail.oldest is None:
        return ngettext(
            "%(count)d event is not sealed yet.",
            "%(count)d events are not sealed yet.",
            tail.count,
        )
    return ngettext(
        "%(count)d event is not sealed yet, the oldest for %(age)s.",
        "%(count)d events are not sealed yet, the oldest for %(age)s.",
        tail.count,
    )


def _age(tail: audit.Tail) -> str:
    return timesince(tail.oldest).replace("\xa0", " ") if tail.oldest else ""


def _alive(known: list[Erasure]) -> Iterator[str]:
    for each in came_back(known):
        yield _("record %(id)s was erased at %(at)s, and came back") % {
            "id": each.record,
            "at": each.erased_at,
        }


def _parse(checkpoints: list[str]) -> list[audit.Checkpoint]:
    try:
        return [audit.Checkpoint.parse(text) for text in checkpoints]
    except ValueError as error:
        raise CommandError(str(error)) from None
