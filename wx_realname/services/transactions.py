"""Durable transactions, retries, and the release of connections while WeChat is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, repeat
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction

from .. import audit, conf
from ..exceptions import ConfigurationError
from ..models import AuditEvent
from ..outages import Outage, outage

logger = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 2.0)  # seconds before each of the first retries

T = TypeVar("T")


class durable(transaction.Atomic):  # noqa: N801 - named like `atomic`
    """A transaction of its own: committed when the block ends, whatever the caller does afterwards.

    Raises `ConfigurationError` inside the host's own `atomic()`, where that is impossible.
    """

    def __init__(self, using: str) -> None:
        super().__init__(using, savepoint=True, durable=True)

    def __enter__(self) -> None:
        try:
            super().__enter__()
            return
        except RuntimeError:
            pass  # the new error is raised below, without the frames of this one
        raise ConfigurationError(
            "wx_realname records every attempt in a transaction of its own, so it can't be called "
            "inside atomic(). With ATOMIC_REQUESTS, put @transaction.non_atomic_requests"
            f'(using="{self.using}") on the view.'
        )


def append_durably(
    event: AuditEvent.Event, origin: audit.Origin, *, using: str, **described: Any
) -> AuditEvent:
    """Append an event in a transaction of its own. Takes what `audit.append` takes."""
    with durable(using):
        return audit.append(event, origin, using=using, **described)


def durable_statement(using: str) -> AbstractContextManager[None]:
    """`durable` for one statement, which commits by itself: BEGIN and COMMIT cost two round trips."""
    connection = connections[using]
    alone = connection.get_autocommit() and not connection.in_atomic_block
    return nullcontext() if alone else durable(using)


def persistently(work: Callable[[], T], using: str) -> T:
    """Do `work`. When the database fails, try again on a new connection: it may have been restarted.

    While the database doesn't answer, for TOTAL_TIMEOUT in all; after other failures for about 2.6 seconds.
    `work` must be idempotent: its first commit may have succeeded.
    """
    until = time.monotonic() + conf.current().total_timeout
    for tries, pause in enumerate(chain(PAUSES, repeat(1.0))):
        is_last = time.monotonic() >= until
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            # a few times for any error, longer while the database doesn't answer
            may_end = tries < len(PAUSES) or outage(error) is Outage.SILENT
            if is_last or connections[using].in_atomic_block or not may_end:
                raise
            logger.warning("the database failed (%s): trying again", type(error).__name__)
        connections[using].close()
        time.sleep(min(pause, max(0.0, until - time.monotonic())))
    raise AssertionError  # the loop ends by itself


def release() -> None:
    """Give every connection of this thread back to its pool, if it has one, while WeChat is asked.

    All of them: the user may have been read from another database than the records'.
    """
    for alias, settings in connections.settings.items():
        if settings.get("OPTIONS", {}).get("pool") and not connections[alias].in_atomic_block:
            connections[alias].close()
