"""Key rotation: data under older keys is written anew under the first keys, while the site goes on.

The key of a ciphertext is read from its header, in SQL: no other column can contradict it, and a stopped
run can go on. Rows are read without a lock, and written only if they still hold the ciphertexts that
were read: a change made meanwhile isn't overwritten, and an erased record stays erased.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import connections, router

from ... import audit, conf, databases, statements
from ...exceptions import DecryptionError
from ...managers import VerificationQuerySet
from ...models import AuditEvent, Verification, encrypted_field
from ...vault import blind_index
from ...vault.fields import Sealed, envelope
from .. import facts
from ..missing_keys import ENCRYPTED
from ..transactions import append_durably, durable, persistently
from .key_use import stale

BATCH = 2_000  # rows of one transaction
PAUSES = (0.05, 0.2, 1)  # seconds after each try of rows that others have locked


#: The columns that depend on a key. A row is a plain tuple of them, as the driver returns it:
#: converting a million ids to UUID and back takes longer than the encryption.
INDEXED = ("real_name_index", "credential_id_index", "index_key_id")
COLUMNS = ("id", *ENCRYPTED, *INDEXED)
CIPHERTEXTS = slice(1, 1 + len(ENCRYPTED))  # their places in a row
INDEX_KEY = len(COLUMNS) - 1
_Row = tuple[Any, ...]
_Change = tuple[_Row, _Row]  # the row as read, and as it is to be written


def _uuid(row: _Row) -> UUID:
    return row[0] if isinstance(row[0], UUID) else UUID(row[0])


@dataclass(frozen=True)
class Unreadable:
    """A record whose ciphertexts can't be opened: altered, or of a key that isn't in the settings."""

    record: UUID
    why: str


@dataclass(frozen=True)
class Rotated:
    """The result for some rows. `busy`: rows that others kept locked, which another run renews."""

    encrypted: int = 0
    indexed: int = 0
    busy: int = 0
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows, at least: most are encrypted and indexed at once."""
        return max(self.encrypted, self.indexed) + self.busy + len(self.unreadable)


def rotate_keys(*, batch_size: int = BATCH) -> Generator[Rotated, None, None]:
    """Bring rows under the first ENCRYPTION_KEYS and INDEX_KEYS, and yield the results.

    An event is committed before the first row is written. A second event reports what was done, at the
    end and when the iterator is closed early; a killed run leaves only the first. Safe to run twice at
    once. Raises `ConfigurationError` inside the caller's transaction.
    """
    run = _Run()
    try:
        for rows in run.batches(batch_size):
            run.begin()
            yield from run.renew(rows)
    finally:
        run.end()


class _Run:
    """One run: the keys of its begin, and its counts so far."""

    def __init__(self) -> None:
        settings = conf.current()
        self._using = router.db_for_write(Verification)
        self._renewal = _Renewal(settings)
        self._key_ids = settings.encryption_keys[0].key_id, settings.index_keys[0].key_id
        self._encrypted = self._indexed = self._unreadable = 0
        self._begun: AuditEvent | None = None

    def batches(self, size: int) -> Iterator[list[_Row]]:
        """Rows that need a renewal, in the order of their ids."""
        rows = self._read(stale().order_by("pk")[:size])
        while rows:
            yield rows
            rows = self._read(stale().filter(pk__gt=_uuid(rows[-1])).order_by("pk")[:size])

    def renew(self, rows: list[_Row]) -> Iterator[Rotated]:
        """Renew those rows; try again while others have locked some of them."""
        for pause in PAUSES:
            done, missed = persistently(partial(self._try, rows), self._using)
            yield done
            if not missed:
                return
            time.sleep(pause)
            # Most need no renewal any more: another run renewed them, or they were erased.
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
            reason = facts.rotation_ended(
                encrypted=self._encrypted,
                encryption=encryption,
                indexed=self._indexed,
                index=index,
                unreadable=self._unreadable,
                begun=self._begun.pk,
            )
            self._append(reason)

    def _append(self, reason: str) -> AuditEvent:
        event, origin = AuditEvent.Event.ROTATION, audit.Origin()
        return append_durably(event, origin, using=self._using, reason=reason)

    def _try(self, rows: list[_Row]) -> tuple[Rotated, list[_Row]]:
        """Write the rows. Return the counts, and the rows that others had locked."""
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
        """Write the rows that nobody else has locked, and return their changes.

        Waiting for one row's lock while holding another's could end in a deadlock.
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
        """Lock the free rows, and return their changes; all changes, where there are no row locks."""
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
        """The rows as the driver returns them."""
        sql, params = rows.query.get_compiler(using=self._using).as_sql()
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, params)
            return cast(list[_Row], cursor.fetchall())


class _Renewal:
    """Computes rows under the first keys of the settings."""

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
        """The row anew; values under the first key stay the same. Raises `DecryptionError`."""
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
    """The columns to write: writing an indexed column takes time even when its value stays."""
    return (
        ENCRYPTED + INDEXED
        if any(old[CIPHERTEXTS.stop :] != new[CIPHERTEXTS.stop :] for old, new in changes)
        else ENCRYPTED
    )


def _from_arrays(using: str, changes: list[_Change]) -> list[_Change]:
    """PostgreSQL: lock and write the free rows in one statement, from an array of each column."""
    table, names = statements.Table(Verification, using), _differing(changes)
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
        f"stored.{table.column(name)} IS NOT DISTINCT FROM given.old_{name}" for name in ENCRYPTED
    )
    types = ", ".join(f"%s::{table.type_of(name)}[]" for _, name, _ in given)
    key = table.column("id")
    statement = (
        f"WITH given AS (SELECT * FROM unnest({types}) "  # noqa: S608 - names of the model
        f"AS given({', '.join(alias for alias, _, _ in given)})), "
        f"free AS (SELECT locked.{key} AS key FROM {table.name} AS locked "
        f"WHERE locked.{key} = ANY (ARRAY(SELECT key FROM given)) FOR UPDATE SKIP LOCKED) "
        f"UPDATE {table.name} AS stored "
        f"SET {', '.join(f'{table.column(name)} = given.new_{name}' for name in names)} "
        f"FROM given JOIN free USING (key) WHERE stored.{key} = given.key AND {unchanged} "
        f"RETURNING stored.{key}"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [values for _, _, values in given])
        written = {key for (key,) in cursor.fetchall()}
    return [change for change in changes if change[0][0] in written]


def _one_by_one(using: str, changes: list[_Change]) -> int:
    """Other databases: one prepared UPDATE for all rows. Return how many were still as read."""
    same = databases.null_safe_equality(connections[using])
    if same is None:
        return sum(_by_name(using, old, new) for old, new in changes)
    table, names = statements.Table(Verification, using), _differing(changes)
    last = 1 + len(names)  # the columns to write follow the id
    statement = (
        f"UPDATE {table.name} "  # noqa: S608 - names of the model
        f"SET {', '.join(f'{table.column(name)} = %s' for name in names)} "
        f"WHERE {table.column('id')} = %s "
        f"AND {' AND '.join(f'{table.column(name)} {same} %s' for name in ENCRYPTED)}"
    )
    with connections[using].cursor() as cursor:
        cursor.executemany(
            statement, [new[1:last] + old[: CIPHERTEXTS.stop] for old, new in changes]
        )
        return int(cursor.rowcount)


def _by_name(using: str, old: _Row, new: _Row) -> bool:
    """The same for one row, where no operator is known by which two NULLs are equal."""
    known, changes = _values(old), _values(new)
    same = {"id": changes.pop("id"), **{name: known[name] for name in ENCRYPTED}}
    return statements.update(Verification, same, changes, using)


def _values(row: _Row) -> dict[str, Any]:
    """The row's values as the model has them, by column."""
    values = dict(zip(COLUMNS, row, strict=True)) | {"id": _uuid(row)}
    for name in ENCRYPTED:
        if values[name] is not None:
            values[name] = Sealed(envelope(values[name]))
    return values
