"""What is erased is gone from the database itself: plain values, masks, ciphertexts and blind indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.lying_wechat import LyingWeChat, identity
from wx_realname.models import Verification
from wx_realname.services import erase, exchange

pytestmark = pytest.mark.django_db(transaction=True)

NAME, NUMBER = "司马相龘", "440524198001010013"
COLUMNS = [
    f"{of}_{what}"
    for of in ("real_name", "credential_id")
    for what in ("encrypted", "masked", "index")
]


@pytest.fixture
def row(liar: LyingWeChat, user: Any, configure: Callable[..., None]) -> Verification:
    configure(RETENTION_DAYS=30)
    liar.play(identity(NAME, NUMBER))
    return exchange(user=user, auth_token="a-token")


# --- the ways in which it ends ----------------------------------------------------------------


def on_request(row: Verification) -> None:
    erase(row, actor=row.user, reason="consent withdrawn")


def with_its_user(row: Verification) -> None:
    assert row.user
    row.user.delete()


def after_a_delete_in_plain_sql(row: Verification) -> None:
    Verification.objects.update(user=None)
    call_command("realname_purge", verbosity=0)


def when_its_time_is_over(row: Verification) -> None:
    Verification.objects.update(verified_at=timezone.now() - timedelta(days=31))
    call_command("realname_purge", verbosity=0)


ENDS = [on_request, with_its_user, after_a_delete_in_plain_sql, when_its_time_is_over]


# --- the search -------------------------------------------------------------------------------


def needles(row: Verification) -> dict[str, set[bytes]]:
    """What must not be found, in each form in which a database or its text may hold it."""
    found = {"name": _forms(NAME.encode()), "number": _forms(NUMBER.encode())}
    for column in COLUMNS:
        value = getattr(row, column)
        data = value.encode() if isinstance(value, str) else value.envelope
        found[column] = _forms(data)
    return found


def _forms(data: bytes) -> set[bytes]:
    return {data, data.hex().encode(), data.hex().upper().encode()}


def columns_as_text() -> Iterator[bytes]:
    """Every column of every table; on PostgreSQL as the database itself turns it into text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            what = f"{name}::text" if connection.vendor == "postgresql" else "*"
            cursor.execute(f"SELECT {what} FROM {name}")  # noqa: S608
            for values in cursor.fetchall():
                yield from map(_bytes, values)


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()


def files() -> Iterator[bytes]:
    """SQLite's: the database and its write-ahead log."""
    file = Path(connection.settings_dict["NAME"])
    for each in (file, *file.parent.glob(f"{file.name}-*")):
        yield each.read_bytes()


def asked(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [first for first, *_ in cursor.fetchall()] if cursor.description else []


def left(wanted: dict[str, set[bytes]], hay: Iterator[bytes]) -> set[str]:
    stored = list(hay)
    return {
        what for what, forms in wanted.items() for form in forms if any(form in it for it in stored)
    }


@pytest.mark.parametrize("end", ENDS)
def test_no_column_of_any_table_holds_anything_of_the_person(
    row: Verification, end: Callable[[Verification], None]
) -> None:
    wanted = needles(row)
    assert left(wanted, columns_as_text()) == set(COLUMNS)  # the search finds what is there
    end(row)
    assert Verification.objects.get().status == "erased"
    assert left(wanted, columns_as_text()) == set()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's files")
@pytest.mark.parametrize("end", ENDS)
def test_sqlites_files_hold_nothing_once_log_and_free_pages_are_given_up(
    row: Verification, request: pytest.FixtureRequest, end: Callable[[Verification], None]
) -> None:
    """Also in a build that doesn't overwrite what is deleted, as many do (Debian's does)."""
    (before,) = asked("PRAGMA secure_delete")
    request.addfinalizer(lambda: asked(f"PRAGMA secure_delete={before}"))
    asked("PRAGMA secure_delete=OFF")
    wanted = needles(row)
    assert left(wanted, files()) == set(COLUMNS)
    end(row)
    assert left(wanted, files()) <= set(COLUMNS)  # a plain value never
    asked("VACUUM")
    asked("PRAGMA wal_checkpoint(TRUNCATE)")
    assert left(wanted, files()) == set()


# --- the files of a server --------------------------------------------------------------------


def files_of_the_table() -> list[Path]:
    """Of the records and their indexes, as they are on the disk now."""
    table = Verification._meta.db_table
    if connection.vendor == "mysql":
        asked(f"FLUSH TABLES {table} FOR EXPORT")
        asked("UNLOCK TABLES")
        return [Path(*asked("SELECT @@datadir"), connection.settings_dict["NAME"], f"{table}.ibd")]
    asked("CHECKPOINT")
    indexes = f"SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass"  # noqa: S608
    paths = "SELECT pg_relation_filepath(oid) FROM pg_class WHERE oid = "
    names = asked(f"{paths}'{table}'::regclass OR oid IN ({indexes})")
    return [Path(*asked("SHOW data_directory"), name) for name in names]


def left_on_disk(wanted: dict[str, set[bytes]]) -> set[str]:
    return left(wanted, (file.read_bytes() for file in files_of_the_table()))


@pytest.mark.skipif(
    connection.vendor not in ("postgresql", "mysql"), reason="reads a server's files"
)
def test_a_servers_files_hold_nothing_once_the_table_is_rewritten(row: Verification) -> None:
    """Measured with PostgreSQL 15.20 and MariaDB 10.11.19, whose numbers the page on operations has."""
    try:
        wanted = needles(row)
        assert left_on_disk(wanted) == set(COLUMNS)
    except OSError as error:
        pytest.skip(f"the server's files can't be read here: {error}")
    on_request(row)
    table = Verification._meta.db_table
    if connection.vendor == "postgresql":
        asked(f"VACUUM {table}")
        assert left_on_disk(wanted) == set(COLUMNS)  # the space is free, and isn't overwritten
        asked(f"VACUUM FULL {table}")
    else:
        assert left_on_disk(wanted) <= {"real_name_index", "credential_id_index"}
        asked(f"OPTIMIZE TABLE {table}")
    assert left_on_disk(wanted) == set()
