"""Reading values that somebody may have tampered with: an unreadable value is a fault, not a crash.

An attacker with database access may write any value: on SQLite a text where a time belongs,
elsewhere a column of another type, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from django.db import DatabaseError, models, router
from django.utils.translation import gettext as _

from ..exceptions import ConfigurationError
from ..outages import outage

#: What drivers and Django's converters raise at a value that isn't what its column holds.
UNREADABLE = (AttributeError, TypeError, ValueError, DatabaseError)

Progress = Callable[[str, int], None]

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)


def stored(model: type[M]) -> models.QuerySet[M]:
    """The model's rows from the write database: a replica that lags would look like tampering."""
    return model._base_manager.using(router.db_for_write(model))


def batches(rows: models.QuerySet[M], size: int) -> Generator[list[M], None, None]:
    """The rows in the order of their ids, `size` of them in memory at a time.

    Ends at an id that isn't spelt canonically, which `canonical` reports: rows could be read twice.
    """
    last: Any = None
    while batch := list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:size]):
        yield batch
        if last is not None and batch[-1].pk <= last:
            return
        last = batch[-1].pk


def tolerate(error: Exception) -> None:
    """Raise the error again if it is an outage of the database, which isn't tampering."""
    if outage(error):
        raise error


def guarded(what: str, faults: Generator[str, None, T]) -> Generator[str, None, T | None]:
    """Yield the faults, and return the generator's value; if it fails, yield a fault and return None."""
    try:
        return (yield from faults)
    except (ConfigurationError, GeneratorExit):
        raise
    except Exception as error:
        tolerate(error)
        yield _("%(what)s can't be read (%(error)s)") % {
            "what": what,
            "error": type(error).__name__,
        }
        return None
