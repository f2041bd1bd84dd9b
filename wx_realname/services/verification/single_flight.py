"""One query of a kind at a time in a process: who asks meanwhile waits for its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager

from ...exceptions import RealNameError, WeChatUnreachable

_Key = tuple[int, Hashable]  # the process, for what is in flight doesn't cross a fork
_flights: dict[_Key, Future[RealNameError | None]] = {}
_lock = threading.Lock()


@contextmanager
def leading(query: Hashable) -> Iterator[Future[RealNameError | None] | None]:
    """None for who leads; else the flight of who does, to wait for."""
    key = os.getpid(), query
    with _lock:
        flight = _flights.get(key)
        own = None if flight else _flights.setdefault(key, Future())
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
        with _lock:
            _flights.pop(key, None)
        own.set_result(error)


def landed(flight: Future[RealNameError | None], seconds: float) -> RealNameError | None:
    """A fresh error like the leader's; None when it had none."""
    try:
        error = flight.result(timeout=seconds)
    except FutureTimeoutError:
        error = WeChatUnreachable()
    return type(error)(wechat=error.wechat) if error else None
