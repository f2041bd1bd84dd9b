"""Seals the audit trail, and prints a checkpoint to keep elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wx_realname import audit
from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress


class Command(RealnameCommand):
    help = (
        "Gather unsealed audit events into Merkle trees, link and sign them, and print a checkpoint: "
        "keep it out of reach of the database's users. Run it regularly; it may run twice at once."
    )
    needs = gettext_lazy(
        "The sealer needs SELECT and INSERT on the tables of events and seals, and UPDATE of an event's "
        "seal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, audit.SEAL_BATCH, most=100_000)
        parser.add_argument(
            "--dry-run", action="store_true", help="only print how many are unsealed"
        )

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        if dry_run:
            count = audit.tail().count
            words = ngettext(
                "%(count)d event is unsealed.", "%(count)d events are unsealed.", count
            )
            self.stdout.write(words % {"count": count})
            return
        count, last, taken = 0, None, audit.to_take_over()
        say = progress(self.stderr)
        for last in audit.seal(batch_size=batch_size):
            count += last.count
            say(_("events"), count)
        if taken:
            self.stdout.write(_takeover(taken))
        if last is not None:
            words = _("Events sealed: %(count)d. Checkpoint:") % {"count": count}
            self.stdout.write(f"{words}\n{audit.Checkpoint.of(last)}")


def _takeover(taken: audit.TakenOver) -> str:
    words = _(
        "The first seal under AUDIT_KEYS takes over what keys derived from INDEX_KEYS signed (events: "
        "%(events)d) and the lists of accesses (%(lists)d). Compare these numbers with what you expect: "
        "whoever has INDEX_KEYS and deletes every seal can forge what it takes over."
    )
    return words % {"events": taken.events, "lists": taken.lists}
