"""Statements on rows: an INSERT that is known to have stored them, a conditional UPDATE, a few SELECTs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import DatabaseError, connections, models

Row = TypeVar("Row", bound=models.Model)


def insert(row: Row, using: str) -> Row:
    """INSERT the row, and return it.

    Raises `DatabaseError` where a trigger or rule of the database dropped it without an error.
    """
    with _all_stored([row], using):
        row.save(force_insert=True, using=using)
    return row


def insert_all(rows: Sequence[models.Model], using: str) -> None:
    """INSERT rows of one model, in few statements. Raises `DatabaseError` like `insert`."""
    if rows:
        with _all_stored(rows, using):
            type(rows[0])._base_manager.using(using).bulk_create(rows)


def insert_numbered(
    rows: Sequence[models.Model], same: Mapping[str, Any], using: str, *, batch_size: int
) -> None:
    """The same of rows that the database numbers; `same`: values that no other row has.

    They are counted in the table: where the INSERT returns their numbers, the cursor's count isn't reliable.
    """
    if not rows:
        return
    model, stored = type(rows[0]), 0
    try:
        model._base_manager.using(using).bulk_create(rows, batch_size=batch_size)
        stored = count(model, same, using)
    except (AssertionError, TypeError):  # Django's, where fewer numbers came back than rows went
        pass
    if stored != len(rows):
        raise DatabaseError(f"{stored} of {len(rows)} rows were inserted")


@contextmanager
def _all_stored(rows: Sequence[models.Model], using: str) -> Iterator[None]:
    """Compare the number of rows with what the database reports."""
    connection = connections[using]
    insertion = f"INSERT INTO {connection.ops.quote_name(rows[0]._meta.db_table)} "
    stored = 0

    def add(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal stored
        result = execute(sql, params, many, context)
        if sql.startswith(insertion):
            stored += context["cursor"].rowcount
        return result

    with connection.execute_wrapper(add):
        yield
    if stored != len(rows):
        raise DatabaseError(f"{stored} of {len(rows)} rows were inserted")


# In plain SQL: every exchange runs these, and Django's compiler takes longer than an RSA decryption.


def update(
    model: type[models.Model], same: Mapping[str, Any], changes: Mapping[str, Any], using: str
) -> bool:
    """UPDATE the row that has the values `same` (None among them). Return whether there was one."""
    table = Table(model, using)
    sets = ", ".join(f"{table.column(name)} = %s" for name in changes)
    test, values = table.where(same)
    sql = f"UPDATE {table.name} SET {sets} WHERE {test}"  # noqa: S608
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [*(table.prepare(*pair) for pair in changes.items()), *values])
        return bool(cursor.rowcount)


def count(model: type[models.Model], same: Mapping[str, Any], using: str) -> int:
    """How many rows have the values `same` (None among them)."""
    table = Table(model, using)
    test, values = table.where(same)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table.name} WHERE {test}", values)  # noqa: S608
        return int(cursor.fetchone()[0])


def count_in(
    tables: Sequence[type[models.Model]], name: str, values: Sequence[Any], using: str
) -> int:
    """How many rows of the models have one of the values in that column: one statement.

    It tests no other column: with poor statistics SQLite would read the table in place of its index.
    """
    parts, given = [], []
    for model in tables:
        table, marks = Table(model, using), ", ".join(["%s"] * len(values))
        parts.append(f"SELECT COUNT(*) FROM {table.name} WHERE {table.column(name)} IN ({marks})")  # noqa: S608
        given += [table.prepare(name, value) for value in values]
    with connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), given)
        return sum(int(found) for (found,) in cursor.fetchall())


def first(
    model: type[models.Model],
    name: str,
    same: Mapping[str, Any],
    using: str,
    *,
    newest_by: Sequence[str] = (),
    locked: bool = False,
) -> Any:
    """The column of the first row that has the values `same`, as the database has it; None without a row.

    `locked`: until the transaction ends, where the database locks rows.
    """
    table, connection = Table(model, using), connections[using]
    test, values = table.where(same)
    lock = connection.features.has_select_for_update and locked and connection.ops.for_update_sql()
    order = ", ".join(f"{table.column(each)} DESC" for each in newest_by)
    sql = (
        f"SELECT {table.column(name)} FROM {table.name} WHERE {test}"  # noqa: S608
        + (f" ORDER BY {order}" if order else "")
        + (f" {lock}" if lock else "")
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return row and row[0]


class Table:
    """Names and values of a model as SQL."""

    def __init__(self, model: type[models.Model], using: str) -> None:
        self._meta, self._connection = model._meta, connections[using]
        self._quote = self._connection.ops.quote_name
        self.name = self._quote(self._meta.db_table)

    def column(self, name: str) -> str:
        return self._quote(self._field(name).column)

    def type_of(self, name: str) -> str:
        return str(self._field(name).db_type(self._connection))

    def prepare(self, name: str, value: Any) -> Any:
        """The value as the column takes it."""
        return self._field(name).get_db_prep_save(value, self._connection)

    def where(self, same: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The condition that a row has these values, and its parameters."""
        tests = (
            self.column(name) + (" IS NULL" if value is None else " = %s")
            for name, value in same.items()
        )
        given = [self.prepare(*pair) for pair in same.items() if pair[1] is not None]
        return " AND ".join(tests), given

    def _field(self, name: str) -> Any:
        return self._meta.get_field(name)
