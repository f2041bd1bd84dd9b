"""Tamperings at random: what somebody who can write to the database may do to the trail, in raw SQL.

The tables are read whole, changed in memory, and the rows that differ written back: so every kind of
tampering, a swap of keys or an old backup too, is one function from one state to another.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

EVENTS, SEALS = "wx_realname_auditevent", "wx_realname_auditseal"
RECORDS = "wx_realname_verification"
TABLES = (EVENTS, SEALS, RECORDS)
KEYS = {EVENTS: "id", SEALS: "number", RECORDS: "id"}
UNIQUE = {RECORDS: "token_digest"}

#: What an outcome vouches for; of events and seals it is every column.
VOUCHED = ("id", "user_id", "status", "method", "merchant", "token_digest")

Row = dict[str, Any]
State = dict[str, list[Row]]
Kind = Callable[["Tamperer"], str]


# --- the tables as they lie -------------------------------------------------------------------


def state() -> State:
    return {table: _rows(table) for table in TABLES}


def _rows(table: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def write(before: State, after: State) -> None:
    """Raises what the database raises at what it doesn't take."""
    with connection.cursor() as cursor:
        for table in TABLES:
            gone = [row for row in before[table] if row not in after[table]]
            new = [row for row in after[table] if row not in before[table]]
            for row in gone:
                key = KEYS[table]
                cursor.execute(f"DELETE FROM {table} WHERE {key} = %s", [row[key]])  # noqa: S608
            for row in new:
                names, marks = ", ".join(_quoted(row)), ", ".join(["%s"] * len(row))
                statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
                cursor.execute(statement, list(row.values()))


def _quoted(row: Row) -> list[str]:
    return [connection.ops.quote_name(name) for name in row]


def effective(state: State) -> list[list[str]]:
    """What verification has to hold on to, in no order."""
    wanted = {RECORDS: VOUCHED}
    return [
        sorted(repr([_read(row[name]) for name in wanted.get(table, row)]) for row in state[table])
        for table in TABLES
    ]


def _read(value: Any) -> Any:
    """A truth value and its number are read as the same."""
    return int(value) if isinstance(value, bool) else value


def loosen() -> None:
    """Take away what would refuse a tampering: whoever tampers may have the right to do that too."""
    if connection.vendor == "mysql":
        return  # there, a change of a table can't be rolled back
    with connection.cursor() as cursor:
        for table in TABLES:
            (_loosen_postgresql if connection.vendor == "postgresql" else _loosen_sqlite)(
                cursor, table
            )


def _loosen_sqlite(cursor: Any, table: str) -> None:
    cursor.execute(f"PRAGMA table_info({table})")
    columns = [(name, type_) for _, name, type_, *_ in cursor.fetchall()]
    key = dict.fromkeys([KEYS[table]], " PRIMARY KEY")
    described = ", ".join(f'"{name}" {type_}{key.get(name, "")}' for name, type_ in columns)
    cursor.execute(f"CREATE TABLE loose ({described})")
    cursor.execute(f"INSERT INTO loose SELECT * FROM {table}")  # noqa: S608
    cursor.execute(f"DROP TABLE {table}")
    cursor.execute(f"ALTER TABLE loose RENAME TO {table}")


def _loosen_postgresql(cursor: Any, table: str) -> None:
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype <> 'p'",
        [table],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND attnotnull AND attname <> %s",
        [table, KEYS[table]],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} ALTER COLUMN "{name}" DROP NOT NULL')


# --- tampering --------------------------------------------------------------------------------


@dataclass
class Tamperer:
    """Somebody with all rights on the database, an old backup, and no key."""

    dice: random.Random
    now: State
    backup: State

    def tamper(self) -> tuple[str, str, State]:
        """The kind, what was done, and how the tables stand then: never as before."""
        before, original = effective(self.now), copy.deepcopy(self.now)
        while True:
            kinds, weights = list(KINDS), list(KINDS.values())
            kind = self.dice.choices(kinds, weights)[0]
            what = kind(self)
            after, self.now = self.now, copy.deepcopy(original)
            if effective(after) != before:
                return kind.__name__, what, after

    def id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128))

    def table(self) -> tuple[str, list[Row]]:
        table = self.dice.choices(TABLES, [5, 3, 3])[0]
        return table, self.now[table]

    def column(self, table: str) -> str:
        names = VOUCHED if table == RECORDS else list(self.now[table][0])
        return self.dice.choice(names)

    def value(self, table: str, name: str, old: Any) -> Any:
        """Another value for that column: a neighbour's, one near it, NULL, or none of its type."""
        neighbours = [row[name] for row in self.now[table]]
        if KEYS[table] == name or UNIQUE.get(table) == name:
            neighbours = []
        strange = (
            [None, "", 0, -1, 1.5, 2**40, "nonsense", "é" * 64, b"\x00\xff", "0" * 64]
            if connection.vendor in ("sqlite", "unheard-of")
            else [None, "", 0, "é" * 8]
        )
        return self.dice.choice([*neighbours, *self._near(old) * 3, *strange])

    def _near(self, old: Any) -> list[Any]:
        if isinstance(old, datetime):
            by = self.dice.choice([1, -1, 10**6, 86_400 * 10**6])
            return [old + timedelta(microseconds=by)]
        if isinstance(old, UUID):
            return [self.id()]
        if isinstance(old, bool) or old is None:
            return []
        if isinstance(old, int):
            return [old + 1, max(old - 1, 0), old * 10 + 7]
        if isinstance(old, bytes):
            return [old[:-1], b"", self._flipped(old), old + old[:48]]
        return [self._another_text(str(old))]

    def _flipped(self, old: bytes) -> bytes:
        if not old:
            return b"\x01"
        at = self.dice.randrange(len(old))
        return old[:at] + bytes([old[at] ^ 1 << self.dice.randrange(8)]) + old[at + 1 :]

    def _another_text(self, old: str) -> str:
        if re.fullmatch("[0-9a-f]{32,64}", old):  # a digest, or an id
            at = self.dice.randrange(len(old))
            return old[:at] + f"{int(old[at], 16) ^ 1:x}" + old[at + 1 :]
        statuses = ["pending", "verified", "rejected", "failed", "unknown", "erased"]
        return self.dice.choice([*(statuses if old in statuses else []), old[:-1], old + "x"])


def change_a_value(by: Tamperer) -> str:
    table, rows = by.table()
    row, name = by.dice.choice(rows), by.column(table)
    old, row[name] = row[name], by.value(table, name, row[name])
    return f"{table}.{name}: {old!r} became {row[name]!r}"


def delete_rows(by: Tamperer) -> str:
    table, rows = by.table()
    count = by.dice.randint(1, 3)
    gone = [rows.pop(by.dice.randrange(len(rows))) for _ in range(min(count, len(rows)))]
    return f"{table}: deleted {[row[KEYS[table]] for row in gone]}"


def insert_a_row(by: Tamperer) -> str:
    table, rows = by.table()
    row = dict(by.dice.choice(rows))
    if table == SEALS:
        row["number"] = by.dice.choice([0, -1, len(rows) + 1, len(rows) + 9, 10**6])
    else:
        row["id"] = by.id() if isinstance(row["id"], UUID) else by.id().hex
    if table == EVENTS:
        row["seal"] = by.dice.choice([row["seal"], 0, -1, len(by.now[SEALS]) + 1, 10**9])
    if table == RECORDS:
        row["token_digest"] = f"{by.dice.getrandbits(256):064x}"
    rows.append(row)
    return f"{table}: inserted {row!r}"


def swap(by: Tamperer) -> str:
    """What two rows hold in some columns: with the keys alone, they changed their places."""
    table, rows = by.table()
    one, other = by.dice.sample(rows, 2)
    names = {by.column(table) for _ in range(by.dice.choice([1, 1, 2, 5]))}
    for name in names:
        one[name], other[name] = other[name], one[name]
    return f"{table}: swapped {sorted(names)} of {one[KEYS[table]]} and {other[KEYS[table]]}"


def truncate(by: Tamperer) -> str:
    """The newest seals with their events, and perhaps the records that only these speak of."""
    last = by.dice.randint(0, len(by.now[SEALS]) - 1)
    by.now[SEALS] = [row for row in by.now[SEALS] if row["number"] <= last]
    by.now[EVENTS] = [row for row in by.now[EVENTS] if row["seal"] <= last]
    if by.dice.random() < 0.5:
        named = {row["verification_id"] for row in by.now[EVENTS]}
        by.now[RECORDS] = [row for row in by.now[RECORDS] if row["id"] in named]
    return f"cut after seal {last}"


def restore_a_backup(by: Tamperer) -> str:
    tables = by.dice.choice([TABLES, (EVENTS, SEALS), (RECORDS,), (SEALS,), (EVENTS,)])
    by.now.update({table: copy.deepcopy(by.backup[table]) for table in tables})
    return f"restored an old backup of {tables}"


KINDS: dict[Kind, int] = {
    change_a_value: 55,
    delete_rows: 10,
    insert_a_row: 12,
    swap: 15,
    truncate: 5,
    restore_a_backup: 3,
}
