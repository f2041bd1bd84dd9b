"""CACHE_ALIAS with a time limit: a cache that failed is skipped for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache

from .. import conf
from ..waiting import within
from .transactions import release

logger = logging.getLogger(__name__)

WAIT = 2.0  # seconds, at most, for one operation, or for all operations of one act
REST = 30.0  # seconds for which a cache that failed isn't used

_LOCAL = (LocMemCache, DummyCache, FileBasedCache, BaseDatabaseCache)
#: redis-py's time-outs. Without both, a server that accepts and never answers blocks a thread for ever.
TIMEOUTS = ("socket_connect_timeout", "socket_timeout")

_failed_at: dict[str, float] = {}  # by alias, monotonic


class CacheUnavailable(Exception):
    """The cache failed, took too long, or did so less than `REST` seconds ago."""


class Cache:
    """The operations of a cache, CACHE_ALIAS unless another is named.

    Each raises `CacheUnavailable` when it can't be done in time.

    Django keeps a connection for each thread, so the cache is looked up for each operation. A cache in a
    database takes one of the pool's few connections, which is released after each operation.

    With `shares_wait`, all operations of the instance together wait for `WAIT` seconds at most.
    """

    def __init__(self, alias: str | None = None, *, shares_wait: bool = False) -> None:
        self._alias = alias or conf.current().cache_alias
        self._shares_wait = shares_wait
        self._waited = 0.0

    @property
    def backend(self) -> BaseCache:
        """The calling thread's backend."""
        return caches[self._alias]

    def get(self, key: str) -> Any:
        """The value, or None."""
        return self._do("get", key)

    def set(self, key: str, value: Any, timeout: float | None) -> None:
        """Store the value for that many seconds."""
        self._do("set", key, value, timeout)

    def add(self, key: str, value: Any, timeout: float | None) -> bool:
        """Store the value for that many seconds unless there is one. Return whether it was stored."""
        return bool(self._do("add", key, value, timeout))

    def incr(self, key: str, delta: int = 1) -> int:
        """Increment. Raises ValueError when there is no value."""
        return int(self._do("incr", key, delta))

    def delete(self, key: str) -> None:
        """Remove the value."""
        self._do("delete", key)

    def _do(self, operation: str, *arguments: Any) -> Any:
        if time.monotonic() - _failed_at.get(self._alias, float("-inf")) < REST:
            raise CacheUnavailable
        backend: BaseCache | None = None
        try:
            backend = self.backend  # raises where its package isn't installed
            work = partial(getattr(backend, operation), *arguments)
            return work() if _is_local(self._alias) else self._wait_for(work)
        except Exception as error:  # its message may contain the value
            if operation == "incr" and isinstance(error, ValueError):
                raise  # there is no such key
            fault = type(error).__name__
        finally:
            if isinstance(backend, BaseDatabaseCache):
                release()
        _failed_at[self._alias] = time.monotonic()
        logger.error("the cache failed (%s): not used for %d s", fault, REST)
        raise CacheUnavailable

    def _wait_for(self, work: Callable[[], Any]) -> Any:
        """The result of the operation. Raises `TimeoutError`."""
        began = time.monotonic()
        try:
            return within(max(0.0, WAIT - self._waited), work)
        finally:
            if self._shares_wait:
                self._waited += time.monotonic() - began


def waits_are_bounded(alias: str) -> bool:
    """Whether the settings bound each wait for the network: the cache is local, or has both time-outs.

    An operation has many such waits: a server that sends a byte now and then keeps each of them short.
    """
    options = settings.CACHES[alias].get("OPTIONS", {})
    bounded = all(0 < (options.get(name) or 0) <= WAIT for name in TIMEOUTS)
    return bounded or _is_local(alias)


def _is_local(alias: str) -> bool:
    return isinstance(caches[alias], _LOCAL)


def forget_failures() -> None:
    """Forget which caches failed: for tests."""
    _failed_at.clear()
