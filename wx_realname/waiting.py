"""A time limit for blocking work that has none: DNS, PySocks, some caches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

T = TypeVar("T")
Wait = Callable[[float, Callable[[], T]], T]


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, run in a thread, which continues when the time is over. Raises `TimeoutError`."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="wx_realname.waiting").start()
    try:
        return future.result(seconds)
    except FutureTimeoutError:  # TimeoutError itself from Python 3.11 on
        raise TimeoutError from None
