"""Checks that ask a database (`check --database`, `migrate`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connections, router
from django.db.models import UUIDField

from .databases import is_mysql, is_postgresql
from .exceptions import ConfigurationError
from .models import AuditEvent, Verification
from .services import missing_keys

Found = Iterator[CheckMessage]

WIDE = "utf8mb4"


def every_name_fits(databases: Iterable[str] | None) -> Found:
    """E005: a database whose encoding lacks characters: a name would fail, its token spent already."""
    for alias in databases or ():
        connection = connections[alias]
        if not router.allow_migrate_model(alias, Verification):
            continue
        for what, hint in _too_narrow(connection):
            yield Error(
                f'Database "{alias}": {what}, which has no room for every name; recording such a name '
                "would fail after its auth_token was spent.",
                hint=hint or "Store text as UTF-8.",
                id="wx_realname.E005",
            )


_TO_UTF8MB4 = (
    'Set OPTIONS["charset"] to "utf8mb4", and ALTER DATABASE and ALTER TABLE … CONVERT TO CHARACTER SET '
    "utf8mb4."
)
_TO_UTF8 = (
    "Its encoding can't be changed: dump it, CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and "
    "restore it there."
)


def _too_narrow(connection: Any) -> Iterator[tuple[str, str]]:
    """What can't hold every character, and the way out."""
    if is_mysql(connection):
        for what, charset in narrow_parts(connection):
            yield f"{what} is {charset}", _TO_UTF8MB4
    elif is_postgresql(connection):
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_encoding")
            (encoding,) = cursor.fetchone()
        if encoding != "UTF8":
            yield f"its encoding is {encoding}", _TO_UTF8


def narrow_parts(connection: Any) -> list[tuple[str, str]]:
    """What isn't utf8mb4: the connection; our columns, or before `migrate` what they will be."""
    tables = [model._meta.db_table for model in (Verification, AuditEvent)]
    columns = (
        "SELECT CONCAT(table_name, '.', column_name), character_set_name "
        "FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND table_name IN (%s, %s) AND character_set_name IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_connection, @@character_set_database")
        spoken, default = cursor.fetchone()
        cursor.execute(columns, tables)
        stored = cursor.fetchall() or [("its default character set", default)]
    parts = [("its connection's character set", spoken), *stored]
    return [(what, charset) for what, charset in parts if charset.lower() != WIDE]


def ids_are_native(databases: Iterable[str] | None) -> Found:
    """E010: MariaDB was upgraded from < 10.7: its ids are char(32) still, and Django looks for uuid."""
    for alias in databases or ():
        connection = connections[alias]
        if is_mysql(connection) and connection.features.has_native_uuid_field:
            for column, type_ in text_ids(connection):
                yield Error(
                    f'Database "{alias}": {column} is {type_}, and Django looks for a uuid since this '
                    "MariaDB has that type: nothing is found by its id.",
                    hint="Follow “Migrating existing UUIDField on MariaDB 10.7+” in Django 5.0's release "
                    "notes: ALTER TABLE … MODIFY … uuid, for every column that is named.",
                    id="wx_realname.E010",
                )


def text_ids(connection: Any) -> list[tuple[str, str]]:
    """Our columns of ids that aren't of the type uuid."""
    fields = (
        field
        for model in apps.get_app_config("wx_realname").get_models()
        for field in model._meta.concrete_fields
    )
    wanted = {
        f"{field.model._meta.db_table}.{field.column}"
        for field in fields
        if isinstance(getattr(field, "target_field", field), UUIDField)
    }
    columns = (
        "SELECT CONCAT(table_name, '.', column_name), column_type FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND data_type <> 'uuid'"
    )
    with connection.cursor() as cursor:
        cursor.execute(columns)
        return sorted((name, str(type_)) for name, type_ in cursor.fetchall() if name in wanted)


def no_key_is_missing(databases: Iterable[str] | None) -> Found:
    """W025: records or their trail stand under a key that ENCRYPTION_KEYS, INDEX_KEYS or AUDIT_KEYS lacks."""
    for alias in databases or ():
        if alias != router.db_for_write(Verification):
            continue
        for missing in _missing_keys(alias):
            yield Warning(
                f"{_those_under(missing)} under key {missing.key}, "
                f'which WX_REALNAME["{missing.setting}"] lacks.',
                hint="Add the key to its list again, after the first one; realname_rotate_keys says when it "
                "can go.",
                id="wx_realname.W025",
            )


def _those_under(missing: missing_keys.MissingKey) -> str:
    one = missing.records == 1
    if missing.of_trail:
        what = "outcome code or seal" if one else "outcome codes and seals"
        return f"{missing.records} {what} of the audit trail {'is' if one else 'are'}"
    return "1 record is" if one else f"{missing.records} records are"


def _missing_keys(alias: str) -> list[missing_keys.MissingKey]:
    rows = Verification.objects.using(alias)
    try:
        return missing_keys.missing_keys(rows)
    except (DatabaseError, ConfigurationError):
        return []  # before migrate, or with settings that E001 names
