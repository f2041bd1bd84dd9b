"""What differs between databases: the only module that reads `connection.vendor`.

An unknown database gets standard SQL, or the ORM.
"""

from __future__ import annotations

from typing import Any

POSTGRESQL, MYSQL, SQLITE = "postgresql", "mysql", "sqlite"

#: `a = b` that is true of two NULLs, too.
_NULL_SAFE = {POSTGRESQL: "IS NOT DISTINCT FROM", MYSQL: "<=>", SQLITE: "IS"}


def name(connection: Any) -> str:
    """The vendor as its Django backend gives it; MariaDB is "mysql"."""
    return str(connection.vendor)


def is_known(connection: Any) -> bool:
    """Whether raw SQL may count on how that database stores and compares values."""
    return name(connection) in (POSTGRESQL, MYSQL, SQLITE)


def is_postgresql(connection: Any) -> bool:
    """Arrays of parameters, and RETURNING from an UPDATE."""
    return name(connection) == POSTGRESQL


def is_mysql(connection: Any) -> bool:
    """Character sets that may be too narrow."""
    return name(connection) == MYSQL


def exact_collation(connection: Any) -> str | None:
    """The collation by which only the same texts are alike; None: the database's own is such."""
    if not is_mysql(connection):
        return None
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


def has_triggers(connection: Any) -> bool:
    """Whether `audit.protect` knows how a trigger is written there."""
    return name(connection) in _NULL_SAFE


def null_safe_equality(connection: Any) -> str | None:
    """The operator by which two NULLs are equal; None: it isn't known."""
    return _NULL_SAFE.get(name(connection))
