"""Key rotation: what lies under older keys is written anew under the first ones, while the site goes on.

A ciphertext's key is found by its header, in SQL: no second column could contradict it, a stopped run
loses nothing, and an exchange isn't slower. Rows are
read without a lock, and written only while they still hold the ciphertexts that were read: nothing
that changed meanwhile is overwritten, and what is erased stays erased.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import connections, models, router

from ... import audit, conf, databases
from ...exceptions import DecryptionError
from ...managers import VerificationQuerySet
from ...models import AuditEvent, Verification, encrypted_field
from ...vault import blind_index
from ...vault.fields import Sealed, envelope
from .. import facts
from ..missing_keys import ENCRYPTED
from ..transactions import durable, persistently
from .key_use import stale

BATCH = 2_000  # rows of one transaction
PAUSES = (0.05, 0.2, 1)  # seconds after each try of rows that somebody else holds


#: What of a record depends on a key. A row is a plain tuple of it, as the driver gives it: converting
#: a million ids to UUID and back takes longer than encrypting them.
INDEXED = ("real_name_index", "credential_id_index", "index_key_id")
COLUMNS = ("id", *ENCRYPTED, *INDEXED)
CIPHERTEXTS = slice(1, 1 + len(ENCRYPTED))  # where they stand in a row
INDEX_KEY = len(COLUMNS) - 1
_Row = tuple[Any, ...]
_Change = tuple[_Row, _Row]  # as it was read, and as it is to be


def _uuid(row: _Row) -> UUID:
    return row[0] if isinstance(row[0], UUID) else UUID(row[0])


@dataclass(frozen=True)
class Unreadable:
    """A record whose ciphertexts can't be opened: altered, or of a key that isn't in the settings."""

    record: UUID
    why: str


@dataclass(frozen=True)
class Rotated:
    """What became of some rows. `busy`: others held them all the while, they are left for another run."""

    encrypted: int = 0
    indexed: int = 0
    busy: int = 0
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows, as far as that can be told: many are encrypted and indexed at once."""
        return max(self.encrypted, self.indexed) + self.busy + len(self.unreadable)


def rotate_keys(*, batch_size: int = BATCH) -> Generator[Rotated, None, None]:
    """Bring rows under the first ENCRYPTION_KEYS and INDEX_KEYS, and yield what became of them.

    An event is committed before the first row is written. Safe to run twice at once, and to stop:
    close the iterator, and a second event reports what was done by then, as it does at the end; a killed
    run leaves only the first. Raises `ConfigurationError` inside the caller's transaction.
    """
    run = _Run()
    try:
        for rows in run.batches(batch_size):
            run.begin()
            yield from run.renew(rows)
    finally:
        run.end()


class _Run:
    """One run: the keys as they were when it began, and what it did so far."""

    def __init__(self) -> None:
        settings = conf.current()
        self._using = router.db_for_write(Verification)
        self._renewal = _Renewal(settings)
        self._key_ids = settings.encryption_keys[0].key_id, settings.index_keys[0].key_id
        self._encrypted = self._indexed = self._unreadable = 0
        self._begun: AuditEvent | None = None

    def batches(self, size: int) -> Iterator[list[_Row]]:
        """Rows that need it, in the order of their keys."""
        rows = self._read(stale().order_by("pk")[:size])
        while rows:
            yield rows
            rows = self._read(stale().filter(pk__gt=_uuid(rows[-1])).order_by("pk")[:size])

    def renew(self, rows: list[_Row]) -> Iterator[Rotated]:
        """Renew those rows, once more while others hold some of them."""
        for pause in PAUSES:
            done, missed = persistently(partial(self._try, rows), self._using)
            yield done
            if not missed:
                return
            time.sleep(pause)
            # Most aren't to be done any more: another run was faster, or they were erased.
            rows = self._read(stale().filter(pk__in=[_uuid(row) for row in missed]))
            if not rows:
                return
        yield Rotated(busy=len(rows))

    def begin(self) -> None:
        """Add the event that precedes every write of the run."""
        if self._begun is None:
            encryption, index = self._key_ids
            self._begun = self._append(facts.rotation_begun(encryption, index))

    def end(self) -> None:
        """Add the event that reports what the run did, if there was anything to do."""
        if self._begun is not None:
            encryption, index = self._key_ids
            told = facts.rotation_ended(
                encrypted=self._encrypted,
                encryption=encryption,
                indexed=self._indexed,
                index=index,
                unreadable=self._unreadable,
                begun=self._begun.pk,
            )
            self._append(told)

    def _append(self, reason: str) -> AuditEvent:
        event, origin = AuditEvent.Event.ROTATION, audit.Origin()
        with durable(self._using):
            return audit.append(event, origin, using=self._using, reason=reason)

    def _try(self, rows: list[_Row]) -> tuple[Rotated, list[_Row]]:
        """Write the rows. Return the counts, and the rows that others held."""
        changes, unreadable = self._renewal.of(rows)
        with durable(self._using):
            written = self._write(changes)
        done = Rotated(
            encrypted=sum(old[CIPHERTEXTS] != new[CIPHERTEXTS] for old, new in written),
            indexed=sum(old[INDEX_KEY] is not new[INDEX_KEY] for old, new in written),
            unreadable=tuple(unreadable),
        )
        self._encrypted += done.encrypted
        self._indexed += done.indexed
        self._unreadable += len(unreadable)
        if len(written) == len(changes):
            return done, []
        ours = {old[0] for old, _ in written}
        return done, [old for old, _ in changes if old[0] not in ours]

    def _write(self, changes: list[_Change]) -> list[_Change]:
        """Those of the changes that were written. We wait for no row that somebody else holds.

        Whoever waits for one row while it holds another can be in a deadlock.
        """
        if changes and databases.is_postgresql(connections[self._using]):
            return _from_arrays(self._using, changes)
        changes = self._lock(changes)
        if not changes or _one_by_one(self._using, changes) == len(changes):
            return changes
        ids = [_uuid(old) for old, _ in changes]
        now = set(self._read(Verification.objects.deciding().filter(pk__in=ids)))
        return [change for change in changes if change[1] in now]

    def _lock(self, changes: list[_Change]) -> list[_Change]:
        """Those whose rows are ours to write; all, where there are no row locks."""
        features = connections[self._using].features
        if not changes or not features.has_select_for_update:
            return changes
        rows = Verification.objects.deciding().filter(pk__in=[_uuid(old) for old, _ in changes])
        rows = rows.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
        locked = {id_ for (id_,) in self._fetch(rows.values_list("pk"))}
        return [change for change in changes if change[0][0] in locked]

    def _read(self, rows: VerificationQuerySet) -> list[_Row]:
        return self._fetch(rows.values_list(*COLUMNS))

    def _fetch(self, rows: Any) -> list[_Row]:
        """As the driver gives them."""
        sql, params = rows.query.get_compiler(using=self._using).as_sql()
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, params)
            return cast(list[_Row], cursor.fetchall())


class _Renewal:
    """Rows as they are under the first keys of the settings."""

    def __init__(self, settings: conf.Settings) -> None:
        self._ciphers = [encrypted_field(column).cipher() for column in ENCRYPTED]
        self._name, self._number = self._ciphers[:2]
        self._names = blind_index.names(settings.index_keys[:1])
        self._numbers = blind_index.numbers(settings.index_keys[:1])
        self._index_key_id = settings.index_keys[0].key_id
        self._wants_names = settings.name_index == "exact"

    def of(self, rows: list[_Row]) -> tuple[list[_Change], list[Unreadable]]:
        changes, unreadable = [], []
        for row in rows:
            try:
                changes.append((row, self._renew_row(row)))
            except DecryptionError as error:
                unreadable.append(Unreadable(_uuid(row), str(error)))
        return changes, unreadable

    def _renew_row(self, row: _Row) -> _Row:
        """Raises `DecryptionError`. What is under the first key already stays, byte for byte."""
        id_ = row[0]
        bound = id_.bytes if isinstance(id_, UUID) else bytes.fromhex(id_.replace("-", ""))
        renewed = [
            value if value is None else cipher.renewed(envelope(value), bound)
            for cipher, value in zip(self._ciphers, row[CIPHERTEXTS], strict=True)
        ]
        indexes, (name, number) = row[CIPHERTEXTS.stop :], renewed[:2]
        named = indexes[0] is not None
        if not self._wants_names:
            indexes = (None, *indexes[1:])
        other = row[INDEX_KEY] != self._index_key_id or named != self._wants_names
        if other and name is not None and number is not None:
            indexes = self._indexes(name, number, bound)
        return id_, *renewed, *indexes

    def _indexes(self, name: bytes, number: bytes, row: bytes) -> tuple[str | None, str, str]:
        name_form = blind_index.name_form(self._name.decrypt(name, row))
        number_form = blind_index.number_form(self._number.decrypt(number, row))
        return (
            self._names.digest(name_form).hex if self._wants_names else None,
            self._numbers.digest(number_form).hex,
            self._index_key_id,
        )


# --- writing: one statement a batch ---------------------------------------------------------------
#
# Measured on PostgreSQL, as a share of a bare loop's rows a second: this 62% to 85%, and
# `filter(pk, old columns).update()` for each row 9%.


def _differing(changes: list[_Change]) -> tuple[str, ...]:
    """The columns to write: an index costs its writing, even of the same value."""
    return (
        ENCRYPTED + INDEXED
        if any(old[CIPHERTEXTS.stop :] != new[CIPHERTEXTS.stop :] for old, new in changes)
        else ENCRYPTED
    )


def _from_arrays(using: str, changes: list[_Change]) -> list[_Change]:
    """PostgreSQL: lock what is free and write it, from an array of each column, in one statement."""
    quote, names = connections[using].ops.quote_name, _differing(changes)
    given = [
        ("key", "id", [old[0] for old, _ in changes]),
        *(
            (f"old_{name}", name, [old[at] for old, _ in changes])
            for at, name in enumerate(ENCRYPTED, 1)
        ),
        *(
            (f"new_{name}", name, [new[at] for _, new in changes])
            for at, name in enumerate(names, 1)
        ),
    ]
    unchanged = " AND ".join(
        f"stored.{_column(quote, name)} IS NOT DISTINCT FROM given.old_{name}" for name in ENCRYPTED
    )
    types = ", ".join(f"%s::{_field(name).db_type(connections[using])}[]" for _, name, _ in given)
    table, key = _table(quote), _column(quote, "id")
    statement = (
        f"WITH given AS (SELECT * FROM unnest({types}) "  # noqa: S608 - names of ours
        f"AS given({', '.join(alias for alias, _, _ in given)})), "
        f"free AS (SELECT locked.{key} AS key FROM {table} AS locked "
        f"WHERE locked.{key} = ANY (ARRAY(SELECT key FROM given)) FOR UPDATE SKIP LOCKED) "
        f"UPDATE {table} AS stored "
        f"SET {', '.join(f'{_column(quote, name)} = given.new_{name}' for name in names)} "
        f"FROM given JOIN free USING (key) WHERE stored.{key} = given.key AND {unchanged} "
        f"RETURNING stored.{key}"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [values for _, _, values in given])
        written = {key for (key,) in cursor.fetchall()}
    return [change for change in changes if change[0][0] in written]


def _one_by_one(using: str, changes: list[_Change]) -> int:
    """Elsewhere: one prepared UPDATE for all; how many were still as they were read."""
    same = databases.null_safe_equality(connections[using])
    if same is None:
        return sum(_by_name(using, old, new) for old, new in changes)
    quote, names = connections[using].ops.quote_name, _differing(changes)
    last = 1 + len(names)  # what is written stands together in a row
    statement = (
        f"UPDATE {_table(quote)} "  # noqa: S608 - names of ours
        f"SET {', '.join(f'{_column(quote, name)} = %s' for name in names)} "
        f"WHERE {_column(quote, 'id')} = %s "
        f"AND {' AND '.join(f'{_column(quote, name)} {same} %s' for name in ENCRYPTED)}"
    )
    with connections[using].cursor() as cursor:
        cursor.executemany(
            statement, [new[1:last] + old[: CIPHERTEXTS.stop] for old, new in changes]
        )
        return int(cursor.rowcount)


def _by_name(using: str, old: _Row, new: _Row) -> int:
    """The same for one row, where the operator by which two NULLs are equal isn't known."""
    names = ENCRYPTED + INDEXED
    known = dict(zip(COLUMNS, old, strict=True))
    nulls = {f"{name}__isnull": known[name] is None for name in ENCRYPTED}
    same = {name: Sealed(envelope(known[name])) for name in ENCRYPTED if known[name] is not None}
    written = dict(zip(names, new[1:], strict=True))
    for name in ENCRYPTED:
        written[name] = None if written[name] is None else Sealed(envelope(written[name]))
    rows = Verification.objects.using(using).filter(pk=_uuid(old), **nulls, **same)
    return rows.update(**written)


def _field(name: str) -> Any:
    return cast("models.Field[Any, Any]", Verification._meta.get_field(name))


def _column(quote: Callable[[str], str], name: str) -> str:
    return quote(_field(name).column)


def _table(quote: Callable[[str], str]) -> str:
    return quote(Verification._meta.db_table)
