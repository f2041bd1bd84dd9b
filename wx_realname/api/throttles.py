"""How often a user may post: THROTTLE_RATE, FACE_RATE and a rate of results, counted in CACHE_ALIAS."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from rest_framework.throttling import SimpleRateThrottle

from .. import conf

logger = logging.getLogger(__name__)


class PostThrottle(SimpleRateThrottle):
    """POSTs of one user, in windows that begin with the first.

    DRF's own list of times is read, changed and written back, so a burst of parallel requests
    slips through; here every one counts. A cache that is down lets them through: it must not close
    a public service.
    """

    scope = "wx_realname"
    num_requests: int
    duration: int  # seconds

    def __init__(self) -> None:
        settings = conf.current()
        self.cache = caches[settings.cache_alias]
        self.rate = self.rate_in(settings)
        number, seconds = self.parse_rate(self.rate)
        self.num_requests, self.duration = number or 0, seconds or 0
        self._ends_at = 0.0

    def rate_in(self, settings: conf.Settings) -> str | None:
        """The rate that counts here; None: no limit."""
        return settings.throttle_rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        return f"wx_realname:throttle:{request.user.pk}" if request.method == "POST" else None

    def allow_request(self, request: Any, view: Any) -> bool:
        key = self.get_cache_key(request, view)
        if self.rate is None or key is None:
            return True
        try:
            return bool(self._count(key) <= self.num_requests)
        except Exception as error:
            logger.error("the cache failed (%s): requests are not throttled", type(error).__name__)
            return True

    def wait(self) -> float:
        """Seconds until the window ends."""
        return max(1.0, self._ends_at - time.time())

    def _count(self, key: str) -> int:
        self._ends_at = self.cache.get(key) or self._window(key)
        counter = f"{key}:{self._ends_at}"
        return self._incremented(counter) if _increments(self.cache) else self._drawn(counter)

    def _incremented(self, counter: str) -> int:
        try:
            return int(self.cache.incr(counter))
        except ValueError:  # the window's first
            self.cache.add(counter, 0, self.duration)
            return int(self.cache.incr(counter))

    def _window(self, key: str) -> float:
        """When the window ends that begins now, or began just now by another request."""
        self.cache.add(key, time.time() + self.duration, self.duration)
        return float(self.cache.get(key) or time.time() + self.duration)

    def _drawn(self, counter: str) -> int:
        """The number that this request draws: of two that want the same, `add` lets one have it."""
        number = int(self.cache.get(counter) or 0) + 1
        while number <= self.num_requests and not self._takes(f"{counter}:{number}"):
            number += 1
        self.cache.set(counter, number, self.duration)
        return number

    def _takes(self, ticket: str) -> bool:
        """False when another request has it. A database that can't be written says so too: an error."""
        if self.cache.add(ticket, 1, self.duration):
            return True
        if self.cache.get(ticket) is None:
            raise OSError("the cache keeps nothing")
        return False


class FaceThrottle(PostThrottle):
    """Begins of one user that reached WeChat: FACE_RATE. The others are given back."""

    def rate_in(self, settings: conf.Settings) -> str | None:
        return settings.face_rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        return f"wx_realname:face_throttle:{request.user.pk}"

    def allow_request(self, request: Any, view: Any) -> bool:
        self._counted: tuple[str, int] | None = None
        allowed = super().allow_request(request, view)
        if not allowed:
            self.give_back()
        return allowed

    def give_back(self) -> None:
        """This request is not to be counted: it didn't reach WeChat."""
        counted, self._counted = self._counted, None
        if counted is None:
            return
        try:
            self._uncount(*counted)
        except Exception as error:
            logger.error("the cache failed (%s): a request stays counted", type(error).__name__)

    def _incremented(self, counter: str) -> int:
        number = super()._incremented(counter)
        self._counted = counter, number
        return number

    def _drawn(self, counter: str) -> int:
        number = super()._drawn(counter)
        self._counted = counter, number
        return number

    def _uncount(self, counter: str, number: int) -> None:
        if _increments(self.cache):
            self.cache.decr(counter)
        elif number <= self.num_requests:
            self.cache.delete(f"{counter}:{number}")
            self.cache.set(counter, number - 1, self.duration)


class ResultThrottle(PostThrottle):
    """Results asked for one record: enough for a mini-program that backs off."""

    RATE = "60/min"

    def rate_in(self, settings: conf.Settings) -> str | None:
        return self.RATE

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        if request.method != "POST":
            return None
        return f"wx_realname:result_throttle:{request.user.pk}:{view.kwargs['pk']}"


def _increments(cache: BaseCache) -> bool:
    """Whether its `incr` is its own: Django's reads, writes, and forgets after five minutes."""
    return type(cache).incr is not BaseCache.incr
