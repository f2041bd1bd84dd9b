"""Which errors say that a database can't be asked, and which tell of what lies in it: of real drivers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import Error, OperationalError, connection

from wx_realname.outages import Outage, describe, outage

pytestmark = pytest.mark.django_db(transaction=True)
PLANTED = "planted-password"
NOBODY = f"wx_realname_nobody_{os.getpid()}"  # roles are the whole server's


def failure(statement: str, database: Any = connection) -> Error:
    with pytest.raises(Error) as failed, database.cursor() as cursor:
        cursor.execute(statement)
        cursor.fetchall()
    return failed.value


@contextmanager
def another(**changes: Any) -> Iterator[Any]:
    """A connection of its own to the same database, with other settings."""
    other = connection.copy()
    other.settings_dict.update(changes)
    with closing(other):
        yield other


def closed_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


# --- on every database --------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_silent_and_no_password_is_told() -> None:
    there = {"PORT": closed_port()}
    if connection.vendor in ("sqlite", "unheard-of"):
        there = {"NAME": "/dev/null/db.sqlite3"}
    with another(**there, PASSWORD=PLANTED) as dead:
        error = failure("SELECT 1", dead)
    assert outage(error) is Outage.SILENT
    assert describe(error).startswith("The database didn't answer. It said: ")
    assert PLANTED not in describe(error)
    assert "\n" not in describe(error)


def test_a_table_that_is_not_there_asks_for_migrate() -> None:
    error = failure("SELECT 1 FROM wx_realname_of_tomorrow")
    assert outage(error) is Outage.UNMIGRATED
    assert "run manage.py migrate" in describe(error)
    assert "wx_realname_of_tomorrow" in describe(error)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT of_tomorrow FROM wx_realname_auditseal",
        "INSERT INTO wx_realname_auditseal (number) VALUES (NULL)",
        "SELECT no_such_function(number) FROM wx_realname_auditseal",
        "SELECT FROM WHERE",
    ],
)
def test_what_is_wrong_with_columns_and_values_is_no_outage(statement: str) -> None:
    error = failure(statement)
    assert outage(error) is None
    assert (
        describe(error) == f"The database failed ({type(error).__name__}): --traceback shows where."
    )


@pytest.mark.parametrize("error", [ValueError("no such table: x"), TypeError(1146)])
def test_only_a_databases_errors_are_outages(error: Exception) -> None:
    assert outage(error) is None


# --- one by one ---------------------------------------------------------------------------------


def only(vendor: str) -> None:
    if connection.vendor != vendor:
        pytest.skip(f"needs {vendor}: TEST_DATABASE_URL")


def test_sqlite_says_in_words_that_it_is_read_only_or_locked() -> None:
    only("sqlite")
    with another(OPTIONS={"timeout": 0}) as other, another() as writing:
        other.cursor().execute("PRAGMA query_only = ON")
        refused = failure("DELETE FROM wx_realname_auditseal", other)
        other.cursor().execute("PRAGMA query_only = OFF")
        writing.cursor().execute("BEGIN IMMEDIATE")
        locked = failure("DELETE FROM wx_realname_auditseal", other)
    assert outage(refused) is Outage.REFUSED
    assert outage(locked) is Outage.SILENT


def test_a_text_that_sqlite_cannot_decode_is_no_outage() -> None:
    only("sqlite")
    error = failure("SELECT CAST(x'ff' AS TEXT)")
    assert isinstance(error, OperationalError)
    assert outage(error) is None


@pytest.fixture
def _nobody() -> Iterator[None]:
    """A role that may do nothing."""
    only("postgresql")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {NOBODY}; SET ROLE {NOBODY}")
        yield
        cursor.execute(f"RESET ROLE; DROP ROLE {NOBODY}")


@pytest.mark.postgres
@pytest.mark.usefixtures("_nobody")
def test_postgresql_refuses_a_role_without_the_privilege() -> None:
    error = failure("SELECT 1 FROM wx_realname_auditseal")
    assert outage(error) is Outage.REFUSED
    assert describe(error).endswith("It said: permission denied for table wx_realname_auditseal.")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SET statement_timeout = 1; SELECT pg_sleep(1)",
        "SET lock_timeout = 1; LOCK wx_realname_auditseal",
    ],
)
def test_postgresql_breaks_off(statement: str) -> None:
    only("postgresql")
    with another() as locking, another() as other:
        locking.cursor().execute("BEGIN; LOCK wx_realname_auditseal")
        assert outage(failure(statement, other)) is Outage.SILENT
        if "terminate" in statement:
            assert outage(failure("SELECT 1", other)) is Outage.SILENT  # and it stays closed


@pytest.mark.postgres
@pytest.mark.parametrize("changes", [{"NAME": NOBODY}, {"USER": NOBODY}], ids=["database", "user"])
def test_postgresql_lets_nobody_in(changes: dict[str, str]) -> None:
    only("postgresql")
    with another(**changes) as other:
        assert outage(failure("SELECT 1", other)) is Outage.SILENT


@pytest.mark.postgres
@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT 'x'::uuid", "SELECT E'\\xff'"])
def test_a_value_that_postgresql_cannot_take_is_no_outage(statement: str) -> None:
    only("postgresql")
    assert outage(failure(statement)) is None


@pytest.mark.mariadb
@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM wx_realname_auditseal", "SELECT id FROM auth_user"]
)
def test_mariadb_refuses_a_user_without_the_privilege(statement: str) -> None:
    only("mysql")
    users = [f"{NOBODY}@'{host}'" for host in ("%", "127.0.0.1", "localhost")]
    root = connection.cursor()
    for user in users:  # whichever of them the server takes us for
        root.execute(f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{PLANTED}'")
        root.execute(f"GRANT SELECT (username) ON auth_user TO {user}")
    try:
        with another(USER=NOBODY, PASSWORD=PLANTED) as other:
            assert outage(failure(statement, other)) is Outage.REFUSED
    finally:
        root.execute(f"DROP USER {', '.join(users)}")


@pytest.mark.mariadb
def test_mariadb_breaks_off() -> None:
    only("mysql")
    with another() as other:
        assert outage(failure("KILL CONNECTION_ID()", other)) is Outage.SILENT
        assert outage(failure("SELECT 1", other)) is Outage.SILENT
    with another(USER=NOBODY, PASSWORD=PLANTED) as other:
        error = failure("SELECT 1", other)
    assert outage(error) is Outage.SILENT
    assert PLANTED not in describe(error)
