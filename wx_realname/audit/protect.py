"""Database triggers that refuse to change or delete the trail: opt-in, since test runners flush with DELETE.

An event comes unsealed, may be sealed once, and nothing else of it may change; a seal may not change at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections, router, transaction

from .. import databases
from ..exceptions import ConfigurationError
from ..models import AuditEvent, AuditSeal

MESSAGE = "wx_realname: the audit trail is append-only"
_FUNCTION = "wx_realname_append_only"


def install() -> None:
    """Make the triggers, in place of those that are there. Raises `ConfigurationError`."""
    _run(lambda connection: [*_removal(connection), *_creation(connection)])


def remove() -> None:
    """Remove the triggers; harmless when there are none."""
    _run(_removal)


def _run(statements: Any) -> None:
    connection = connections[router.db_for_write(AuditEvent)]
    if not databases.has_triggers(connection):
        raise ConfigurationError(
            f"Triggers are not for this database: use grants. On {databases.name(connection)} let the "
            "site's role have only INSERT and SELECT on the audit tables, and let a role of its own "
            "seal them."
        )
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements(connection):
            cursor.execute(statement)


#: PostgreSQL's TRUNCATE asks no row; MariaDB's asks no trigger, so the site's role must not have it.
_FURTHER = {"postgresql": ("TRUNCATE",)}


def _triggers(connection: Any) -> Iterator[tuple[str, str, str]]:
    """Name, table and event of each trigger."""
    for model in (AuditEvent, AuditSeal):
        for event in ("DELETE", "UPDATE", "INSERT", *_FURTHER.get(databases.name(connection), ())):
            yield f"{model._meta.db_table}_{event.lower()}", model._meta.db_table, event


def _removal(connection: Any) -> Iterator[str]:
    for name, table, _ in _triggers(connection):
        where = f" ON {table}" if databases.is_postgresql(connection) else ""
        yield f"DROP TRIGGER IF EXISTS {name}{where}"
    if databases.is_postgresql(connection):
        yield f"DROP FUNCTION IF EXISTS {_FUNCTION}()"


def _creation(connection: Any) -> Iterator[str]:
    refusal = {
        "sqlite": f"SELECT RAISE(ABORT, '{MESSAGE}');",
        "mysql": f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}';",
    }
    if databases.is_postgresql(connection):
        yield (
            f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$"
        )
    for name, table, event in _triggers(connection):
        when = _refused_when(connection, table, event)
        each = "STATEMENT" if event == "TRUNCATE" else "ROW"
        head = f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each}"
        if databases.is_postgresql(connection):
            yield f"{head} WHEN ({when}) EXECUTE FUNCTION {_FUNCTION}()"
        elif databases.name(connection) == databases.SQLITE:
            yield f"{head} WHEN {when} BEGIN {refusal['sqlite']} END"
        else:
            yield f"{head} IF {when} THEN {refusal['mysql']} END IF"


def _refused_when(connection: Any, table: str, event: str) -> str:
    if event == "INSERT":
        return _refused_insert(connection, table)
    sealing = event == "UPDATE" and table == AuditEvent._meta.db_table
    return f"NOT ({_sealing(connection)})" if sealing else "TRUE"


def _refused_insert(connection: Any, table: str) -> str:
    """A sealed event is never new. SQLite's REPLACE deletes without a word."""
    is_event = table == AuditEvent._meta.db_table
    refused = "NEW.seal IS NOT NULL" if is_event else "FALSE"
    if databases.name(connection) != databases.SQLITE:
        return refused
    key = "id" if is_event else "number"
    same = f"{key} = NEW.{key} OR rowid = NEW.rowid"
    return f"{refused} OR EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names of ours


def _sealing(connection: Any) -> str:
    """Whether an update does nothing but seal an unsealed event."""
    same = databases.null_safe_equality(connection)
    columns = [field.column for field in AuditEvent._meta.concrete_fields if field.name != "seal"]
    if databases.name(connection) == databases.SQLITE:
        columns.append("rowid")  # moved onto another's, it would replace that
    kept = " AND ".join(f"NEW.{column} {same} OLD.{column}" for column in columns)
    return f"OLD.seal IS NULL AND NEW.seal IS NOT NULL AND {kept}"
