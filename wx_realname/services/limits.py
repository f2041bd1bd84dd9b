"""Rate limits, counted over all processes in CACHE_ALIAS.

While the cache is down nothing is limited, which is logged: an outage must not close a public service.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache.backends.base import BaseCache

from .. import conf
from .cache import Cache, CacheUnavailable

logger = logging.getLogger(__name__)

POLLING_RATE = "60/min"  # enough for a mini-program that backs off; no setting changes it
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Limit:
    """A limit on one subject's acts, such as "10/hour" (None: no limit). A window begins with its first act.

    Each act is counted before it is done, so that parallel acts can't exceed the rate; an act that
    turns out not to count is given back.
    """

    def __init__(self, key: str, rate: str | None) -> None:
        self._key = f"wx_realname:{key}"
        self._cache = Cache(shares_wait=True)
        self._rate = rate
        self._most, self._seconds = _parse(rate) if rate else (0, 0)
        self._ends_at = 0.0
        self._drawn: tuple[str, int] | None = None

    def take(self) -> bool:
        """Count one more act. Return whether it is within the rate."""
        self._drawn = None
        if self._rate is None:
            return True
        try:
            return self._count() <= self._most
        except Exception as error:
            logger.error("the cache failed (%s): nothing is limited", _cause(error))
            return True

    def give_back(self) -> None:
        """Uncount the last act."""
        drawn, self._drawn = self._drawn, None
        if drawn is None:
            return
        try:
            self._uncount(*drawn)
        except Exception as error:
            logger.error("the cache failed (%s): an act stays counted", _cause(error))

    def wait(self) -> int:
        """Seconds until the window ends, at least 1."""
        return max(1, round(self._ends_at - time.time()))

    def _count(self) -> int:
        self._ends_at = self._cache.get(self._key) or self._window()
        counter = f"{self._key}:{self._ends_at}"
        number = self._increment(counter) if self._increments else self._draw(counter)
        self._drawn = counter, number
        return number

    def _increment(self, counter: str) -> int:
        try:
            return self._cache.incr(counter)
        except ValueError:  # the first act of the window
            self._cache.add(counter, 0, self._seconds)
            return self._cache.incr(counter)

    def _window(self) -> float:
        """The end of the window that begins now, or that another act has just begun."""
        self._cache.add(self._key, time.time() + self._seconds, self._seconds)
        return float(self._cache.get(self._key) or time.time() + self._seconds)

    def _draw(self, counter: str) -> int:
        """The number of this act: the cache's `add` succeeds for one act only."""
        number = int(self._cache.get(counter) or 0) + 1
        while number <= self._most and not self._takes(f"{counter}:{number}"):
            number += 1
        self._cache.set(counter, number, self._seconds)
        return number

    def _takes(self, ticket: str) -> bool:
        """False when another act has the number. Raises for a cache that stores nothing."""
        if self._cache.add(ticket, 1, self._seconds):
            return True
        if self._cache.get(ticket) is None:
            raise OSError("the cache stores nothing")
        return False

    def _uncount(self, counter: str, number: int) -> None:
        if self._increments:
            self._cache.incr(counter, -1)
        elif number <= self._most:
            self._cache.delete(f"{counter}:{number}")
            self._cache.set(counter, number - 1, self._seconds)

    @property
    def _increments(self) -> bool:
        """Whether the backend has its own `incr`: Django's default isn't atomic, and resets the expiry."""
        return type(self._cache.backend).incr is not BaseCache.incr


def of_posts(user: Any) -> Limit:
    """The limit on a user's exchanges and checks."""
    return Limit(f"throttle:{user.pk}", conf.current().throttle_rate)


def of_faces(user: Any) -> Limit:
    """The limit on a user's begins of a face verification that reached WeChat."""
    return Limit(f"face_throttle:{user.pk}", conf.current().face_rate)


def of_results(user: Any, record: Any) -> Limit:
    """The limit on a user's requests for one record's result."""
    return Limit(f"result_throttle:{user.pk}:{record}", POLLING_RATE)


def of_categories(user: Any) -> Limit:
    """The limit on a user's requests for the categories, which are cached for an hour."""
    return Limit(f"categories_throttle:{user.pk}", POLLING_RATE)


def of_searches(actor: Any) -> Limit:
    """The limit on an officer's searches that found nothing. A script has no actor, and no limit."""
    rate = conf.current().search_rate if actor is not None else None
    return Limit(f"search:{getattr(actor, 'pk', None)}", rate)


def _parse(rate: str) -> tuple[int, int]:
    """The number of acts, and the seconds of the window."""
    number, period = rate.split("/")
    return int(number), _SECONDS[period[0]]


def _cause(error: Exception) -> str:
    """The cause to log; `Cache` has logged its own already."""
    return "unavailable" if isinstance(error, CacheUnavailable) else type(error).__name__
