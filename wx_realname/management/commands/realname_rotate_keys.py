"""Brings stored data under the first ENCRYPTION_KEYS and INDEX_KEYS, and prints which keys can go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep.key_use import IndexKeyUse, KeyUse, key_use
from wx_realname.services.upkeep.rotation import BATCH, Rotated, rotate_keys


class Command(RealnameCommand):
    help = (
        "Re-encrypt data that isn't under the first of ENCRYPTION_KEYS, re-index data that isn't under the "
        "first of INDEX_KEYS, and print which keys can be removed. The site goes on meanwhile; it can be "
        "stopped and run again, and run twice at once. Exit 1 if a record can't be decrypted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_size(parser, BATCH, most=10_000)
        parser.add_argument(
            "--dry-run", action="store_true", help="only count the records by their keys"
        )

    def handle(self, *args: Any, batch_size: int, dry_run: bool, **options: Any) -> None:
        unreadable = 0 if dry_run else self._rotate(batch_size)
        use = key_use()
        if dry_run:
            words = ngettext(
                "%(count)d record would be re-encrypted or re-indexed.",
                "%(count)d records would be re-encrypted or re-indexed.",
                use.stale,
            )
            self.stdout.write(words % {"count": use.stale})
        for line in _verdict(use):
            self.stdout.write(line)
        if unreadable:
            sys.exit(1)

    def _rotate(self, batch_size: int) -> int:
        """Rotate, and name the records that can't be decrypted. Return how many these are."""
        encrypted = indexed = unreadable = busy = seen = 0
        say = progress(self.stderr)
        with closing(rotate_keys(batch_size=batch_size)) as batches:
            for batch in batches:
                self._name(batch)
                encrypted, indexed = encrypted + batch.encrypted, indexed + batch.indexed
                unreadable, busy = unreadable + len(batch.unreadable), busy + batch.busy
                seen += batch.rows
                say(_("records"), seen)
        words = ngettext(
            "%(encrypted)d record re-encrypted, %(indexed)d re-indexed.",
            "%(encrypted)d records re-encrypted, %(indexed)d re-indexed.",
            encrypted,
        )
        self.stdout.write(words % {"encrypted": encrypted, "indexed": indexed})
        if busy:
            words = ngettext(
                "%(count)d was locked by others all the while: run this again.",
                "%(count)d were locked by others all the while: run this again.",
                busy,
            )
            self.stdout.write(words % {"count": busy})
        if unreadable:
            words = ngettext(
                "%(count)d can't be decrypted, and stays as is.",
                "%(count)d can't be decrypted, and stay as is.",
                unreadable,
            )
            self.stdout.write(self.style.ERROR(words % {"count": unreadable}))
        return unreadable

    def _name(self, batch: Rotated) -> None:
        for each in batch.unreadable:
            words = _("record %(id)s: %(fault)s") % {"id": each.record, "fault": each.why}
            self.stdout.write(self.style.ERROR(words))


def _verdict(use: KeyUse) -> Iterator[str]:
    """A line for each key; a key can be removed when nothing needs it any more."""
    for n, key in enumerate(use.encryption):
        needs = list(_encrypted(key.records))
        yield _line(f"ENCRYPTION_KEYS {key.key_id} ({key.algorithm})", n == 0, needs)
    for n, index_key in enumerate(use.index):
        yield _line(f"INDEX_KEYS {index_key.key_id}", n == 0, list(_needs(index_key)))
    if use.strays:
        words = ngettext(
            "%(count)d record has a ciphertext under no key of ENCRYPTION_KEYS.",
            "%(count)d records have a ciphertext under no key of ENCRYPTION_KEYS.",
            use.strays,
        )
        yield words % {"count": use.strays}
    if len(use.encryption) + len(use.index) > 2:
        yield _(
            "Remove a key only after every process has been restarted with the new first key, and this "
            "command, run again after that, still says so."
        )


def _line(key: str, first: bool, needs: list[str]) -> str:
    if first:
        words = _("%(key)s: writes; %(needs)s.") if needs else _("%(key)s: writes.")
    elif needs:
        words = _("%(key)s: still needed: %(needs)s.")
    else:
        words = _("%(key)s: can be removed, nothing needs it.")
    return words % {"key": key, "needs": _("; ").join(needs)}


def _encrypted(records: int) -> Iterator[str]:
    if records:
        words = ngettext(
            "%(count)d record is encrypted under it",
            "%(count)d records are encrypted under it",
            records,
        )
        yield words % {"count": records}


def _needs(key: IndexKeyUse) -> Iterator[str]:
    if key.indexed:
        words = ngettext(
            "%(count)d record is found by it", "%(count)d records are found by it", key.indexed
        )
        yield words % {"count": key.indexed}
    if key.token_digests:
        words = ngettext(
            "%(count)d record recognizes its auth_token by it (without the key, the same token posted again "
            "counts as a new one)",
            "%(count)d records recognize their auth_token by it (without the key, the same token posted "
            "again counts as a new one)",
            key.token_digests,
        )
        yield words % {"count": key.token_digests}
    if key.audit:
        words = ngettext(
            "%(count)d outcome code or seal of the audit trail was made while AUDIT_KEYS was unset, and is "
            "verified by it",
            "%(count)d outcome codes and seals of the audit trail were made while AUDIT_KEYS was unset, and "
            "are verified by it",
            key.audit,
        )
        yield words % {"count": key.audit}
