"""One query of a kind at a time in a process: other callers wait for its end."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager

from ...exceptions import RealNameError, WeChatUnreachable
from ...wechat.per_process import PerProcess


class _Flights:
    """The queries that are under way in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_query: dict[Hashable, Future[RealNameError | None]] = {}


_flights = PerProcess(_Flights)


@contextmanager
def leading(query: Hashable) -> Iterator[Future[RealNameError | None] | None]:
    """Yield None to the leader, and to others the leader's flight, to wait for."""
    flights = _flights()
    with flights.lock:
        flight = flights.by_query.get(query)
        own = None if flight else flights.by_query.setdefault(query, Future())
    if own is None:
        yield flight
        return
    error: RealNameError | None = None
    try:
        yield None
    except RealNameError as known:
        error = known
        raise
    finally:
        with flights.lock:
            flights.by_query.pop(query, None)
        own.set_result(error)


def wait_for(flight: Future[RealNameError | None], seconds: float) -> RealNameError | None:
    """Wait for the leader. Return a new error like the leader's, or None when it had none."""
    try:
        error = flight.result(timeout=seconds)
    except FutureTimeoutError:
        error = WeChatUnreachable()
    return type(error)(wechat=error.wechat) if error else None
