"""Transactions that are on disk when they end, and connections that aren't kept while WeChat is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction

from ..exceptions import ConfigurationError

logger = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 2.0)  # seconds before each further try to record what WeChat said

T = TypeVar("T")


class durable(transaction.Atomic):  # noqa: N801 - reads as the `atomic` that it is
    """A transaction of its own: committed when the block ends, whatever the caller does afterwards.

    Inside the host's own `atomic()` that can't be promised: `ConfigurationError`.
    """

    def __init__(self, using: str) -> None:
        super().__init__(using, savepoint=True, durable=True)

    def __enter__(self) -> None:
        try:
            super().__enter__()
            return
        except RuntimeError:
            pass  # a new error is raised outside of here, without this one's frames
        raise ConfigurationError(
            "wx_realname records every attempt in a transaction of its own, so it can't be called "
            "inside atomic(). With ATOMIC_REQUESTS, put @transaction.non_atomic_requests"
            f'(using="{self.using}") on the view.'
        )


def durable_statement(using: str) -> AbstractContextManager[None]:
    """The same for one statement alone, which commits itself: BEGIN and COMMIT are two round trips."""
    connection = connections[using]
    alone = connection.get_autocommit() and not connection.in_atomic_block
    return nullcontext() if alone else durable(using)


def persistently(work: Callable[[], T], using: str) -> T:
    """Do `work`, again on a fresh connection when the database failed: it may have been restarted.

    `work` is asked to be harmless when its first commit succeeded without our hearing of it.
    """
    for pause in PAUSES:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            if connections[using].in_atomic_block:
                raise
            logger.warning("the database failed (%s): trying again", type(error).__name__)
        connections[using].close()
        time.sleep(pause)
    return work()


def release() -> None:
    """Give every connection of this thread back to its pool, if it has one, while WeChat is asked.

    All of them: the user may have been looked up in another database than ours.
    """
    for alias, settings in connections.settings.items():
        if settings.get("OPTIONS", {}).get("pool") and not connections[alias].in_atomic_block:
            connections[alias].close()
