"""Checks that stored ids and times are spelt canonically: no query finds an id in another spelling.

SQLite stores ids and times as text, MariaDB before 10.7 stores ids as text: SQL compares their form there.
PostgreSQL's types allow one spelling only. On an unknown database each value is read and looked for again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import connections, models, router
from django.db.models import Expression, ExpressionWrapper, F
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import databases
from ..models import AuditAccess, AuditEvent, AuditSeal, Consent, Notice, Verification

MODELS = (Verification, AuditEvent, AuditSeal, AuditAccess, Notice, Consent)
SHOWN = 3  # wrong rows named for each column
BATCH = 400  # twice as many parameters: SQLite's oldest limit is 999

_IS_TEXT = "typeof({0}) = 'text'"  # the same characters as a BLOB equal no text
_BYTES = "length(CAST({0} AS BLOB))"  # of a text, length and GLOB see nothing behind a NUL
_ID = f"{_IS_TEXT} AND {_BYTES} = 32 AND {{0}} NOT GLOB '*[^0-9a-f]*'"
_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_MICROSECONDS = "." + 6 * "[0-9]"
_SECOND = f"{_BYTES} = 19 AND {{0}} GLOB '{_DAY}'"
_MICROSECOND = f"{_BYTES} = 26 AND {{0}} GLOB '{_DAY}{_MICROSECONDS}' AND {{0}} NOT GLOB '*.000000'"
_TIME = f"{_IS_TEXT} AND (({_SECOND}) OR ({_MICROSECOND}))"


Field: TypeAlias = "models.Field[Any, Any]"


def faults() -> Generator[str, None, None]:
    """Every column with a value in another spelling, and the first rows that have one."""
    for model in MODELS:
        connection = connections[router.db_for_write(model)]
        for field in model._meta.concrete_fields:
            for row in islice(_wrong(connection, model, field), SHOWN):
                yield _("%(model)s %(id)r: its %(column)s is not spelt canonically") % {
                    "model": model._meta.verbose_name,
                    "id": row,
                    "column": field.column,
                }


def _wrong(connection: Any, model: type[models.Model], field: Field) -> Iterator[Any]:
    """The ids of rows with another spelling in that column, as they are stored."""
    if databases.is_known(connection):
        test = _test(connection, field)
        return _failing(connection, model, str(field.column), test) if test else iter(())
    if _is_text_id(connection, field) or isinstance(field, models.DateTimeField):
        return _not_found_again(connection, model, field)
    return iter(())


def _test(connection: Any, field: Field) -> str | None:
    """The SQL condition for canonical text in that column; None where the type guarantees it."""
    if databases.name(connection) == databases.SQLITE:
        if isinstance(_kind(field), models.UUIDField):
            return _ID
        return _TIME if isinstance(field, models.DateTimeField) else None
    if databases.is_mysql(connection) and _is_text_id(connection, field):
        return "{0} REGEXP '^[0-9a-f]{{32}}$'"
    return None


def _kind(field: Field) -> Field:
    return field.target_field if isinstance(field, models.ForeignKey) else field


def _is_text_id(connection: Any, field: Field) -> bool:
    return (
        isinstance(_kind(field), models.UUIDField) and not connection.features.has_native_uuid_field
    )


def _failing(connection: Any, model: type[models.Model], column: str, test: str) -> Iterator[Any]:
    quote = connection.ops.quote_name
    name, table = quote(column), quote(model._meta.db_table)
    key = quote("number" if model is AuditSeal else "id")
    canonical = test.format(name)
    text = (
        f"SELECT {key} FROM {table} "  # noqa: S608 - names of the model
        f"WHERE {name} IS NOT NULL AND NOT ({canonical}) ORDER BY {key} LIMIT {SHOWN}"
    )
    with connection.cursor() as cursor:
        cursor.execute(text)
        for (row,) in cursor.fetchall():
            yield row


def _not_found_again(connection: Any, model: type[models.Model], field: Field) -> Iterator[Any]:
    """The ids of rows that the database doesn't find by the value that was read from them."""
    rows = (
        model._base_manager.using(connection.alias)
        .annotate(stored_id=_as_stored(connection, model._meta.pk))
        .exclude(**{f"{field.attname}__isnull": True})
    )
    pairs = rows.order_by("stored_id").values_list("stored_id", _unconverted(field))
    for batch in _batches(pairs):
        ids = [row for row, _value in batch]
        values = _readable(connection, _kind(field), (value for _row, value in batch))
        found = rows.filter(stored_id__in=ids, **{f"{field.attname}__in": values})
        right = set(found.values_list("stored_id", flat=True))
        yield from (row for row in ids if row not in right)


def _batches(pairs: models.QuerySet[Any, Any]) -> Iterator[list[tuple[Any, Any]]]:
    """In the order of the stored ids. Ends at one that compares with none, such as bytes on SQLite."""
    last: Any = None
    while batch := list((pairs.filter(stored_id__gt=last) if last else pairs)[:BATCH]):
        if batch[-1][0] == last:
            return
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1][0]


def _as_stored(connection: Any, field: Any) -> Expression | F:
    return _unconverted(field) if _is_text_id(connection, field) else F(field.attname)


def _unconverted(field: Field) -> ExpressionWrapper[Any]:
    """The column as the driver returns it, for Django would raise at what can't be read."""
    return ExpressionWrapper(F(field.attname), output_field=models.TextField())


def _readable(connection: Any, kind: Field, values: Iterable[Any]) -> set[Any]:
    """The values that are of that type at all; a naive time is the connection's, as Django has it."""
    found = set()
    for value in values:
        try:
            read = kind.to_python(value)
        except (ValidationError, ValueError, TypeError):
            continue
        if isinstance(read, datetime) and timezone.is_naive(read):
            read = timezone.make_aware(read, connection.timezone)
        found.add(read)
    return found - {None}
