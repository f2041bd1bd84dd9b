"""A database of a test's own for the site under gunicorn, and a look into it from outside."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import pytest
from django.db import ConnectionHandler

#: The database in which a new one is made.
MAINTENANCE = {"postgres": "postgres", "mysql": "mysql"}


class Database:
    """Where the site keeps its rows. The test reads them over a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str) -> list[Any]:
        with closing(_connection(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def execute(self, statement: str) -> None:
        _execute(self.url, statement)


def rows_in(folder: Path, query: str) -> list[Any]:
    """Of a site's own SQLite, for a test whose own database is closed to it."""
    with closing(sqlite3.connect(folder / "db.sqlite3")) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[Database]:
    """A new one of that kind: "sqlite" in the folder, "postgres" or "mysql" at TEST_DATABASE_URL."""
    if kind == "sqlite":
        yield Database(f"sqlite:///{folder / 'db.sqlite3'}")
        return
    server = urlsplit(os.environ.get("TEST_DATABASE_URL", ""))
    if server.scheme != kind:
        pytest.skip(f"needs {kind}: TEST_DATABASE_URL")
    name = f"{server.path[1:]}_e2e_{secrets.token_hex(4)}"
    characters = " CHARACTER SET utf8mb4" if kind == "mysql" else ""
    force = " WITH (FORCE)" if kind == "postgres" else ""
    maintenance = server._replace(path=MAINTENANCE[kind]).geturl()
    _execute(maintenance, f"CREATE DATABASE {name}{characters}")
    try:
        yield Database(server._replace(path=name).geturl())
    finally:
        _execute(maintenance, f"DROP DATABASE {name}{force}")


def _execute(url: str, statement: str) -> None:
    with closing(_connection(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _connection(url: str) -> Any:
    return ConnectionHandler({"default": environ.Env.db_url_config(url)})["default"]
