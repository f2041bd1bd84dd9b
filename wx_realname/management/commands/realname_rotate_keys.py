"""Bring stored data under the first ENCRYPTION_KEYS and INDEX_KEYS, and say which keys can go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser

from wx_realname.management.base import RealnameCommand
from wx_realname.management.options import add_batch_size, progress
from wx_realname.services.upkeep.key_use import IndexKeyUse, KeyUse, key_use
from wx_realname.services.upkeep.rotation import BATCH, Rotated, rotate_keys


class Command(RealnameCommand):
    help = (
        "Re-encrypt what isn't under the first of ENCRYPTION_KEYS, re-index what isn't under the first "
        "of INDEX_KEYS, and say which keys can be removed. The site goes on meanwhile; it can be "
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
            self.stdout.write(f"{use.stale} records would be re-encrypted or re-indexed.")
        for line in _verdict(use):
            self.stdout.write(line)
        if unreadable:
            sys.exit(1)

    def _rotate(self, batch_size: int) -> int:
        """How many can't be decrypted; each is named."""
        encrypted = indexed = unreadable = busy = seen = 0
        say = progress(self.stderr)
        with closing(rotate_keys(batch_size=batch_size)) as batches:
            for batch in batches:
                self._name(batch)
                encrypted, indexed = encrypted + batch.encrypted, indexed + batch.indexed
                unreadable, busy = unreadable + len(batch.unreadable), busy + batch.busy
                seen += batch.rows
                say("records", seen)
        self.stdout.write(f"{encrypted} records re-encrypted, {indexed} re-indexed.")
        if busy:
            self.stdout.write(f"{busy} were locked by others all the while: run this again.")
        if unreadable:
            self.stdout.write(self.style.ERROR(f"{unreadable} can't be decrypted, and stay as is."))
        return unreadable

    def _name(self, batch: Rotated) -> None:
        for each in batch.unreadable:
            self.stdout.write(self.style.ERROR(f"record {each.record}: {each.why}"))


def _verdict(use: KeyUse) -> Iterator[str]:
    """A line for each key; a key can be removed when nothing needs it any more."""
    for n, key in enumerate(use.encryption):
        yield _line(
            f"ENCRYPTION_KEYS {key.key_id} ({key.algorithm})",
            n == 0,
            [f"{key.records} records are encrypted under it"] if key.records else [],
        )
    for n, index_key in enumerate(use.index):
        yield _line(f"INDEX_KEYS {index_key.key_id}", n == 0, list(_needs(index_key)))
    if use.strays:
        yield f"{use.strays} records have a ciphertext under no key of ENCRYPTION_KEYS."
    if len(use.encryption) + len(use.index) > 2:
        yield (
            "Remove a key only after every process has been restarted with the new first key, and "
            "this command, run again after that, still says so."
        )


def _line(key: str, first: bool, needs: list[str]) -> str:
    why = "; ".join(needs)
    if first:
        return f"{key}: writes" + (f"; {why}." if why else ".")
    return f"{key}: still needed: {why}." if why else f"{key}: can be removed, nothing needs it."


def _needs(key: IndexKeyUse) -> Iterator[str]:
    if key.indexed:
        yield f"{key.indexed} records are found by it, as long as their names and numbers can't be read"
    if key.token_digests:
        yield (
            f"{key.token_digests} records know their auth_token by it (it can't be computed anew: "
            "without the key such a token posted again is a new one)"
        )
    if key.audit:
        yield (
            f"{key.audit} outcome codes and seals of the audit trail were made while AUDIT_KEYS was "
            "unset, and are verified by it"
        )
