"""What an exchange leaves in the database: its bytes, indexes included."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import connection, models

from wx_realname.models import AuditEvent, Verification
from wx_realname.uuid7 import uuid7

BATCH = 500


def bytes_per_record(rows: int) -> dict[str, float]:
    """Of one verification and of its audit event, by filling the tables with so many of them."""
    verification = Verification.objects.filter(status="verified").latest("created_at")
    event = AuditEvent.objects.filter(event="exchange").latest("created_at")
    return {
        "verification": _grown_by(verification, rows) / rows,
        "audit event": _grown_by(event, rows) / rows,
    }


def _grown_by(row: models.Model, rows: int) -> int:
    model = type(row)
    before = _size(model)
    for start in range(0, rows, BATCH):
        numbers = range(start, min(start + BATCH, rows))
        model._default_manager.bulk_create([_another(row, number) for number in numbers])
    return _size(model) - before


def _another(row: Any, number: int) -> Any:
    """A row like this one, of another citizen and a later moment."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    for name in (
        "token_digest",
        "answer_digest",
        "real_name_index",
        "credential_id_index",
        "outcome_hmac",
    ):
        if values.get(name):
            values[name] = secrets.token_hex(32)
    if "verification_id" in values:
        values["verification_id"] = uuid7()
    moments = [name for name, value in values.items() if hasattr(value, "astimezone")]
    later = {name: values[name] + timedelta(seconds=number) for name in moments}
    return type(row)(**values | later | {"id": uuid7()})


def _size(model: type[models.Model]) -> int:
    """Bytes of the table with its indexes; SQLite tells only of the whole file."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        elif connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        else:
            cursor.execute(f"ANALYZE TABLE {connection.ops.quote_name(table)}")
            cursor.execute(
                "SELECT data_length + index_length FROM information_schema.tables"
                " WHERE table_schema = DATABASE() AND table_name = %s",
                [table],
            )
        return int(cursor.fetchone()[0])
