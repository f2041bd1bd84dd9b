"""What the tests of the trail share: its commands, its events, and what an attacker does by SQL alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection, transaction

from tests.conftest import verify
from wx_realname import audit
from wx_realname.models import AuditEvent, Verification

RECORDS, EVENTS = Verification._meta.db_table, AuditEvent._meta.db_table


def call(command: str, *arguments: str, **options: Any) -> str:
    """What the command prints."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def sealed(**options: Any) -> str:
    """Seals, and gives the checkpoint that was printed."""
    return call("realname_seal_audit", **options).strip().splitlines()[-1]


def events(count: int) -> list[AuditEvent]:
    using = connection.alias
    return [
        audit.append(AuditEvent.Event.REVEAL, audit.Origin(), using=using) for _ in range(count)
    ]


def faults() -> list[str]:
    return list(audit.faults([], lambda what, count: None))


def is_reported(*texts: str, checkpoint: str | None = None) -> None:
    """Verification finds the trail not intact, and its report has each of these."""
    status, report = verify(*[checkpoint] if checkpoint else [])
    assert status == 1, report
    assert [text for text in texts if text not in report] == [], report


# --- plain SQL --------------------------------------------------------------------------------


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def key_of(id_: UUID) -> Any:
    """As this database keeps it."""
    return id_ if connection.features.has_native_uuid_field else id_.hex


def change(row: Verification, **columns: Any) -> None:
    """UPDATE of one record."""
    sets = ", ".join(f"{name} = %s" for name in columns)
    sql(f"UPDATE {RECORDS} SET {sets} WHERE id = %s", *columns.values(), key_of(row.pk))  # noqa: S608


@contextmanager
def undone() -> Iterator[None]:
    """What is written meanwhile is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def dropping(table: str, which: str) -> Iterator[None]:
    """A trigger that lets the INSERT of those rows come to nothing, without an error."""
    head = f"CREATE TRIGGER drop_rows BEFORE INSERT ON {table}"
    if connection.vendor == "postgresql":
        sql(
            "CREATE FUNCTION drop_rows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {which} THEN RETURN NULL; END IF; RETURN NEW; END $$"
        )
        sql(f"{head} FOR EACH ROW EXECUTE FUNCTION drop_rows()")
    else:
        sql(f"{head} WHEN {which} BEGIN SELECT RAISE(IGNORE); END")
    try:
        yield
    finally:
        if connection.vendor == "postgresql":
            sql("DROP FUNCTION drop_rows() CASCADE")
        else:
            sql("DROP TRIGGER drop_rows")
