"""Transactions that are on disk when they end, and connections that aren't kept while WeChat is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction

from ..exceptions import ConfigurationError

logger = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 2.0)  # seconds before each further try to record what WeChat said

T = TypeVar("T")


@contextmanager
def durable(using: str) -> Iterator[None]:
    """A transaction of its own: committed when the block ends, whatever the caller does afterwards.

    Inside the host's own `atomic()` that can't be promised: `ConfigurationError`.
    """
    with ExitStack() as stack:
        nested = False
        try:
            stack.enter_context(transaction.atomic(using=using, durable=True))
        except RuntimeError:
            nested = True
        if nested:
            raise ConfigurationError(
                "wx_realname records every attempt in a transaction of its own, so it can't be called "
                "inside atomic(). With ATOMIC_REQUESTS, put @transaction.non_atomic_requests"
                f'(using="{using}") on the view.'
            )
        yield


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


def release(using: str) -> None:
    """Give the connection back to its pool, if it has one, while WeChat is asked."""
    connection = connections[using]
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()
