"""INSERT and UPDATE of one row in plain SQL, put together once a process.

For the same three statements Django's compilers take as long as two RSA decryptions. A value still goes
through its model field where that changes or refuses anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from django.db import DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.signals import post_init, post_save, pre_init, pre_save

from .exact_text import ExactCharField
from .moments import MomentField

Row = TypeVar("Row", bound=models.Model)
_Field: TypeAlias = "models.Field[Any, Any]"

_Preparation: TypeAlias = Callable[[Any, BaseDatabaseWrapper], Any]


def _moment(value: Any, connection: BaseDatabaseWrapper) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


_SIGNALS = (pre_init, post_init, pre_save, post_save)

#: What the fields do to values of their own type, aware moments among them; None: every driver takes
#: them as they are. Another field's `get_db_prep_save` is asked.
_PREPARATIONS: Mapping[type[_Field], _Preparation | None] = {
    ExactCharField: None,
    models.IntegerField: None,
    models.PositiveIntegerField: None,
    models.BooleanField: None,
    models.DateTimeField: _moment,
    MomentField: _moment,
}


def insert(model: type[Row], values: Mapping[str, Any], using: str) -> Row:
    """INSERT a row; what isn't given takes its field's default, which may not be a callable.

    By `save`, where the host listens to the model's signals. Raises `DatabaseError` where the database
    took the statement and no row, as a rule or trigger of somebody's may have it.
    """
    if _is_listened_to(model):
        row = model(**values)
        row.save(force_insert=True, using=using)
        return row
    statement = _insert(model, using, tuple(values))
    _require(_execute(statement, values.values(), using), 1)
    return statement.row(model, values, using)


def insert_all(model: type[models.Model], rows: list[dict[str, Any]], using: str) -> None:
    """The same for many rows, in which the same fields are given, in the same order."""
    if not rows:
        return
    if _is_listened_to(model):
        for values in rows:
            insert(model, values, using)
        return
    statement, connection = _insert(model, using, tuple(rows[0])), connections[using]
    with connection.cursor() as cursor:
        cursor.executemany(
            statement.sql, [statement.parameters(values.values(), connection) for values in rows]
        )
        _require(cursor.rowcount, len(rows))


def _require(inserted: int, wanted: int) -> None:
    if inserted != wanted:
        raise DatabaseError(f"{inserted} of {wanted} rows were inserted")


def _is_listened_to(model: type[models.Model]) -> bool:
    return any(signal.receivers and signal.has_listeners(model) for signal in _SIGNALS)


def update(
    model: type[models.Model], same: Mapping[str, Any], changes: Mapping[str, Any], using: str
) -> bool:
    """UPDATE the row that has these values, None among them; whether there was one."""
    nulls = tuple(value is None for value in same.values())
    statement = _update(model, using, tuple(changes), tuple(same), nulls)
    wanted = [value for value in same.values() if value is not None]
    return bool(_execute(statement, [*changes.values(), *wanted], using))


@dataclass(frozen=True)
class _Statement:
    """Its SQL; which of the values need preparing, and by what; and what follows the values."""

    sql: str
    preparations: tuple[tuple[int, _Preparation], ...]
    rest: tuple[Any, ...] = ()

    def parameters(self, values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        prepared = [*values, *self.rest]
        for place, prepare in self.preparations:
            prepared[place] = prepare(prepared[place], connection)
        return prepared


@dataclass(frozen=True)
class _Insert(_Statement):
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of every column

    def row(self, model: type[Row], values: Mapping[str, Any], using: str) -> Row:
        """Put together as from a pickle: `__init__` would look at each of thirty columns, for no listener."""
        row = model.__new__(model)
        row._state = ModelState()
        row._state.adding, row._state.db = False, using
        row.__dict__.update(self.defaults, **values)
        return row


def _execute(statement: _Statement, values: Iterable[Any], using: str) -> int:
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters(values, connection))
        return int(cursor.rowcount)


@lru_cache(maxsize=32)
def _insert(model: type[models.Model], using: str, given: tuple[str, ...]) -> _Insert:
    known = _by_attname(model)
    defaults = {name: None if name in given else known[name].get_default() for name in known}
    # an id that isn't given is the database's to number: PostgreSQL takes NULL for no such wish
    left = [name for name in known if name not in given and not _is_numbered(known[name])]
    columns = ", ".join(_column(known[name], using) for name in (*given, *left))
    places = ", ".join(["%s"] * (len(given) + len(left)))
    rest = [known[name].get_db_prep_save(defaults[name], connections[using]) for name in left]
    sql = f"INSERT INTO {_table(model, using)} ({columns}) VALUES ({places})"  # noqa: S608
    return _Insert(sql, _preparations(known[name] for name in given), tuple(rest), defaults)


@lru_cache(maxsize=64)
def _update(
    model: type[models.Model],
    using: str,
    changes: tuple[str, ...],
    same: tuple[str, ...],
    nulls: tuple[bool, ...],
) -> _Statement:
    known = _by_attname(model)
    sets = ", ".join(f"{_column(known[name], using)} = %s" for name in changes)
    tests = " AND ".join(
        _column(known[name], using) + (" IS NULL" if null else " = %s")
        for name, null in zip(same, nulls, strict=True)
    )
    wanted = [name for name, null in zip(same, nulls, strict=True) if not null]
    sql = f"UPDATE {_table(model, using)} SET {sets} WHERE {tests}"  # noqa: S608
    return _Statement(sql, _preparations(known[name] for name in (*changes, *wanted)))


def _by_attname(model: type[models.Model]) -> dict[str, _Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


def _is_numbered(field_: _Field) -> bool:
    return isinstance(field_, models.AutoField)  # BigAutoField counts as one


def _preparations(fields: Iterable[_Field]) -> tuple[tuple[int, _Preparation], ...]:
    found = (_PREPARATIONS.get(type(field), field.get_db_prep_save) for field in fields)
    return tuple((place, prepare) for place, prepare in enumerate(found) if prepare)


def _column(field: _Field, using: str) -> str:
    return connections[using].ops.quote_name(str(field.column))


def _table(model: type[models.Model], using: str) -> str:
    return connections[using].ops.quote_name(model._meta.db_table)
