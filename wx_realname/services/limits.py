"""How often somebody may do something, counted over all processes in CACHE_ALIAS.

A cache that is down lets everything through, and that is logged: it must not close a public service.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from .. import conf
from ..exceptions import Throttled
from .cache import Cache, CacheUnavailable

logger = logging.getLogger(__name__)


class Limit:
    """A rate such as "10/hour" of one subject's acts; None: no limit. Windows begin with the first act."""

    def __init__(self, act: str, subject: Any, rate: str | None) -> None:
        self._act, self._subject, self._rate = act, subject, rate
        self._key = f"wx_realname:limit:{act}:{subject}"
        self._cache = Cache(conf.current().cache_alias)
        self._most, self._seconds = _parsed(rate)

    def require(self) -> None:
        """Raises `Throttled` when the rate is reached."""
        if self._rate is None:
            return
        counted, ends_at = self._state()
        if counted >= self._most:
            logger.warning("%s: %s reached the rate %s", self._act, self._subject, self._rate)
            raise Throttled(retry_after=max(1, round(ends_at - time.time())))

    def count(self) -> None:
        """One act more."""
        if self._rate is None:
            return
        try:
            ends_at = self._cache.get(self._key)
            if not ends_at:
                ends_at = time.time() + self._seconds
                self._cache.add(self._key, ends_at, self._seconds)
                ends_at = self._cache.get(self._key) or ends_at
            counter = f"{self._key}:{ends_at}"
            self._cache.add(counter, 0, self._seconds)
            self._cache.incr(counter)
        except (CacheUnavailable, ValueError):
            logger.error("%s is not counted: the cache failed", self._act)

    def _state(self) -> tuple[int, float]:
        try:
            ends_at = float(self._cache.get(self._key) or 0)
            return int(self._cache.get(f"{self._key}:{ends_at}") or 0), ends_at
        except CacheUnavailable:
            logger.error("%s is not limited: the cache failed", self._act)
            return 0, 0.0


def _parsed(rate: str | None) -> tuple[int, int]:
    """How many in how many seconds."""
    if rate is None:
        return 0, 0
    number, period = rate.split("/")
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}[period[0]]
    return int(number), seconds
