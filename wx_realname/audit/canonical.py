"""Checks that stored ids and times are spelt canonically: no query finds an id in another spelling.

SQLite stores ids and times as text, MariaDB before 10.7 stores ids as text. Elsewhere the column's type
allows one spelling only.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from django.db import connections, models, router
from django.utils.translation import gettext as _

from .. import databases
from ..models import AuditAccess, AuditEvent, AuditSeal, Consent, Notice, Verification

MODELS = (Verification, AuditEvent, AuditSeal, AuditAccess, Notice, Consent)
SHOWN = 3  # wrong rows named for each column

_ID = "length({0}) = 32 AND {0} NOT GLOB '*[^0-9a-f]*'"
_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_MICROSECONDS = "." + 6 * "[0-9]"
_TIME = f"{{0}} GLOB '{_DAY}' OR ({{0}} GLOB '{_DAY}{_MICROSECONDS}' AND {{0}} NOT GLOB '*.000000')"


def faults() -> Generator[str, None, None]:
    """Every column with a value in another spelling, and the first rows that have one."""
    for model in MODELS:
        connection = connections[router.db_for_write(model)]
        for field in model._meta.concrete_fields:
            test = _test(connection, field)
            if test:
                yield from _wrong(connection, model, str(field.column), test)


def _test(connection: Any, field: models.Field[Any, Any]) -> str | None:
    """The SQL condition for canonical text in that column; None where the type guarantees it."""
    kind = field.target_field if isinstance(field, models.ForeignKey) else field
    if databases.name(connection) == databases.SQLITE:
        tests = {models.UUIDField: _ID, models.DateTimeField: _TIME}
        return next((test for type_, test in tests.items() if isinstance(kind, type_)), None)
    if databases.is_mysql(connection) and isinstance(kind, models.UUIDField):
        return (
            None if connection.features.has_native_uuid_field else "{0} REGEXP '^[0-9a-f]{{32}}$'"
        )
    return None


def _wrong(
    connection: Any, model: type[models.Model], column: str, test: str
) -> Generator[str, None, None]:
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
            yield _("%(model)s %(id)r: its %(column)s is not spelt canonically") % {
                "model": model._meta.verbose_name,
                "id": row,
                "column": column,
            }
