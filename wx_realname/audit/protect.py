"""Database triggers that refuse to change or delete evidence: opt-in, since test runners flush tables.

An event is inserted unsealed, and may be sealed once. A consent is inserted live, and may be withdrawn
once; its user becomes NULL when the user is deleted. No other column of them may change, and no column at
all of a seal, a notice or an access.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections, models, router, transaction

from .. import databases
from ..exceptions import ConfigurationError
from ..models import AuditAccess, AuditEvent, AuditSeal, Consent, Notice
from ..outages import APPEND_ONLY

_FUNCTION = "wx_realname_append_only"


@dataclass(frozen=True)
class _Guarded:
    """A table, the column that is set once, and the one that may be emptied."""

    model: type[models.Model]
    set_once: str | None = None
    emptied: str | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table


_GUARDED = (
    _Guarded(AuditEvent, set_once="seal"),
    _Guarded(AuditSeal),
    _Guarded(AuditAccess),
    _Guarded(Notice),
    _Guarded(Consent, set_once="withdrawn_at", emptied="user_id"),
)


def install() -> None:
    """Make the triggers, and replace existing ones. Raises `ConfigurationError`."""
    _run(lambda connection: [*_removal(connection), *_creation(connection)])


def remove() -> None:
    """Remove the triggers; harmless when there are none."""
    _run(_removal)


def _run(statements: Any) -> None:
    connection = connections[router.db_for_write(AuditEvent)]
    if not databases.has_triggers(connection):
        raise ConfigurationError(
            f"{databases.name(connection)} has no triggers for this app: use grants. Let the "
            "site's role have only INSERT and SELECT on the audit tables, and let a role of its own "
            "seal them."
        )
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements(connection):
            cursor.execute(statement)


def _triggers(connection: Any) -> Iterator[tuple[str, _Guarded, str]]:
    """Name, table and event of each trigger.

    TRUNCATE fires no row trigger on PostgreSQL. On MariaDB it fires none: the site's role must not have it.
    """
    further = ("TRUNCATE",) if databases.is_postgresql(connection) else ()
    for guarded in _GUARDED:
        for event in ("DELETE", "UPDATE", "INSERT", *further):
            yield f"{guarded.table}_{event.lower()}", guarded, event


def _removal(connection: Any) -> Iterator[str]:
    for name, guarded, _ in _triggers(connection):
        where = f" ON {guarded.table}" if databases.is_postgresql(connection) else ""
        yield f"DROP TRIGGER IF EXISTS {name}{where}"
    if databases.is_postgresql(connection):
        yield f"DROP FUNCTION IF EXISTS {_FUNCTION}()"


def _creation(connection: Any) -> Iterator[str]:
    if databases.is_postgresql(connection):
        yield (
            f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$"
        )
    for name, guarded, event in _triggers(connection):
        when = _refused_when(connection, guarded, event)
        each = "STATEMENT" if event == "TRUNCATE" else "ROW"
        head = f"CREATE TRIGGER {name} BEFORE {event} ON {guarded.table} FOR EACH {each}"
        if databases.is_postgresql(connection):
            yield f"{head} WHEN ({when}) EXECUTE FUNCTION {_FUNCTION}()"
        elif databases.name(connection) == databases.SQLITE:
            yield f"{head} WHEN {when} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        else:
            refusal = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{APPEND_ONLY}';"
            yield f"{head} IF {when} THEN {refusal} END IF"


def _refused_when(connection: Any, guarded: _Guarded, event: str) -> str:
    if event == "INSERT":
        return _refused_insert(connection, guarded)
    if event == "UPDATE" and guarded.set_once:
        return f"NOT ({_allowed_update(connection, guarded)})"
    return "TRUE"


def _refused_insert(connection: Any, guarded: _Guarded) -> str:
    """A new row has no value in `set_once`. SQLite's REPLACE would delete a row and fire no trigger."""
    refused = f"NEW.{guarded.set_once} IS NOT NULL" if guarded.set_once else "FALSE"
    if databases.name(connection) != databases.SQLITE:
        return refused
    same = " OR ".join(_same_keys(guarded.model))
    return f"{refused} OR EXISTS (SELECT 1 FROM {guarded.table} WHERE {same})"  # noqa: S608 - names of the model


def _same_keys(model: type[models.Model]) -> Iterator[str]:
    """A condition for each key by which a row could replace another."""
    yield "rowid = NEW.rowid"
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    constraints = model._meta.constraints
    uniques = [each.fields for each in constraints if isinstance(each, models.UniqueConstraint)]
    for names in [(model._meta.pk.name,), *uniques]:
        yield " AND ".join(f"{columns[name]} = NEW.{columns[name]}" for name in names)


def _allowed_update(connection: Any, guarded: _Guarded) -> str:
    """The condition under which an update makes only the changes that the table allows."""
    same = databases.null_safe_equality(connection)
    columns = [field.column for field in guarded.model._meta.concrete_fields]
    if databases.name(connection) == databases.SQLITE:
        columns.append("rowid")  # set to another row's, it would replace that row
    kept = {column: f"NEW.{column} {same} OLD.{column}" for column in columns}
    if guarded.set_once:
        kept[guarded.set_once] = f"(OLD.{guarded.set_once} IS NULL OR {kept[guarded.set_once]})"
    if guarded.emptied:
        kept[guarded.emptied] = f"(NEW.{guarded.emptied} IS NULL OR {kept[guarded.emptied]})"
    return " AND ".join(kept.values())
