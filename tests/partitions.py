"""What the tests of the pages' SQL share: it, roles, and what PostgreSQL's catalogue says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from tests.test_docs import FENCE, text_of
from wx_realname.models import AuditEvent

TABLE, SCHEMA = AuditEvent._meta.db_table, "realname_trail"
SHAPE = """
    SELECT 'column', column_name, concat(data_type, is_nullable, character_maximum_length, ordinal_position)
    FROM information_schema.columns WHERE table_name = %(table)s
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename = %(table)s
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid = %(table)s::regclass
    UNION ALL SELECT 'kind', relname, relkind::text FROM pg_class WHERE oid = %(table)s::regclass
    UNION ALL SELECT 'schema', nspname, '' FROM pg_namespace WHERE nspname LIKE 'realname%%'
"""


def rows_of(statement: str, **params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return list(cursor.fetchall())


def run(statement: str, now: datetime | None = None) -> None:
    """As if it were that day."""
    if now:
        statement = statement.replace("now()", f"timestamptz '{now.isoformat()}'")
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def acting(role: str) -> Iterator[None]:
    run(f"SET ROLE {role}")
    yield
    run("RESET ROLE")


def shape() -> set[Any]:
    """All that the catalogue says of the trail's table."""
    return set(rows_of(SHAPE, table=TABLE))


def partitions() -> set[str]:
    tree = "SELECT relid::text FROM pg_partition_tree(%(table)s) WHERE isleaf"
    return {name for (name,) in rows_of(tree, table=TABLE)}


def recipe(language: str = "en") -> list[str]:
    """The page's SQL: what is done beforehand, the move, and what is run each month."""
    return sql_of(language, "scale.md")


def sql_of(language: str, page: str) -> list[str]:
    return [code for _, kind, code in FENCE.findall(text_of(language, page)) if kind == "sql"]


def places() -> dict[str, int]:
    """How many events lie in each partition that has any."""
    return dict(rows_of(f"SELECT tableoid::regclass::text, count(*) FROM {TABLE} GROUP BY 1"))  # noqa: S608


def month(moment: datetime) -> str:
    return f"{SCHEMA}.events_{moment:%Y_%m}"


def guarded() -> set[str]:
    """The tables that have our triggers."""
    ours = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'wx_realname%'"
    return {table for (table,) in rows_of(ours)}
