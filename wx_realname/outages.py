"""Why a database can't be used at all, by the code of the driver's error.

Errors about the data, such as an unreadable value or a missing column, are not outages. A probe afterwards
can't replace the codes: a lock time-out or a full disk may be over by then, and a SELECT doesn't show that
an INSERT is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from django.db import Error, InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: How this package's own triggers refuse.
APPEND_ONLY = "wx_realname: the audit trail, notices and consents are append-only"


class Outage(Enum):
    """The cause; its value is the message, with the remedy."""

    UNMIGRATED = gettext_lazy(
        "The database lacks a table: run manage.py migrate, or find out who removed it."
    )
    REFUSED = gettext_lazy("The database refused.")
    SILENT = gettext_lazy("The database didn't answer.")


#: PostgreSQL's SQLSTATE, MySQL's number, and SQLite's text, which has no codes.
_SIGNS: Mapping[Outage, re.Pattern[str]] = MappingProxyType(
    {
        Outage.UNMIGRATED: re.compile("42P01|3F000|1146|no such table: .*"),
        Outage.REFUSED: re.compile(
            "42501|25006|1044|1142|1143|1227|1290|1370|1419|1792|1836"
            "|attempt to write a readonly database.*"
        ),
        Outage.SILENT: re.compile(
            "(08|28|53|55|57|58)...|3D000|40001|40P01"
            "|0|2[0-9]{3}|1040|1045|1049|1053|1129|1130|1203|1205|1213|1317|1698|1927|1969|3024"
            "|(unable to open database|database (schema |table )?is locked|disk I/O|.* disk is full).*"
        ),
    }
)


def outage(error: Exception) -> Outage | None:
    """The outage that the error reports; None for another error."""
    if not isinstance(error, Error):
        return None
    if _is_of_the_connection(error):
        return Outage.SILENT
    if APPEND_ONLY in str(error):
        return Outage.REFUSED
    code = str(_code(error))
    return next((found for found, sign in _SIGNS.items() if sign.fullmatch(code)), None)


def describe(error: Exception) -> str:
    """The message for the operator: cause, remedy, and the first line of the driver's text.

    The driver names host, user and table there, and no password. Of another error only the class is
    shown: the driver's text may quote a row.
    """
    found = outage(error)
    if found is None:
        words = _("The database failed (%(error)s): --traceback shows where.")
        return words % {"error": type(error).__name__}
    words = str(error.args[-1]).strip() if error.args else type(error).__name__
    first = words.partition("\n")[0].rstrip(".")
    return f"{found.value} {_('It said: %(words)s.') % {'words': first}}"


def _is_of_the_connection(error: Error) -> bool:
    """psycopg has no SQLSTATE for a server that it can't reach, nor for a connection that is closed."""
    is_psycopg = type(error.__cause__).__module__.startswith("psycopg")
    return (
        is_psycopg
        and isinstance(error, (OperationalError, InterfaceError))
        and not _sqlstate(error)
    )


def _code(error: Error) -> object:
    return _sqlstate(error) or next(iter(error.args), "")


def _sqlstate(error: Error) -> str | None:
    """By psycopg 3, or by psycopg2."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
