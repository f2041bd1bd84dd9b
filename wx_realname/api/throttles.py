"""How often a user may ask: THROTTLE_RATE, FACE_RATE, and rates of results and categories."""

from __future__ import annotations

from typing import Any

from rest_framework.throttling import BaseThrottle

from .. import conf
from ..services.limits import Limit


class PostThrottle(BaseThrottle):
    """POSTs of one user.

    DRF's own list of times is read, changed and written back, so a burst of parallel requests
    slips through; `Limit` counts every one.
    """

    _limit: Limit | None = None

    def rate_in(self, settings: conf.Settings) -> str | None:
        """The rate that counts here; None: no limit."""
        return settings.throttle_rate

    def key(self, request: Any, view: Any) -> str | None:
        """Whose requests are counted together; None: not this one."""
        return f"throttle:{request.user.pk}" if request.method == "POST" else None

    def allow_request(self, request: Any, view: Any) -> bool:
        key = self.key(request, view)
        if key is None:
            return True
        self._limit = Limit(key, self.rate_in(conf.current()))
        return self._limit.take()

    def wait(self) -> float | None:
        """Seconds until the window ends."""
        return self._limit.wait() if self._limit else None


class FaceThrottle(PostThrottle):
    """Begins of one user that reached WeChat: FACE_RATE. The others are given back."""

    def rate_in(self, settings: conf.Settings) -> str | None:
        return settings.face_rate

    def key(self, request: Any, view: Any) -> str | None:
        return f"face_throttle:{request.user.pk}"

    def allow_request(self, request: Any, view: Any) -> bool:
        allowed = super().allow_request(request, view)
        if not allowed:
            self.give_back()
        return allowed

    def give_back(self) -> None:
        """Don't count this request: it didn't reach WeChat."""
        if self._limit:
            self._limit.give_back()


class _FixedThrottle(PostThrottle):
    """A rate that no setting changes."""

    RATE = "60/min"

    def rate_in(self, settings: conf.Settings) -> str | None:
        return self.RATE


class ResultThrottle(_FixedThrottle):
    """Results asked for one record: enough for a mini-program that backs off."""

    def key(self, request: Any, view: Any) -> str | None:
        if request.method != "POST":
            return None
        return f"result_throttle:{request.user.pk}:{view.kwargs['pk']}"


class CategoriesThrottle(_FixedThrottle):
    """The categories asked for by one user: cached an hour, so that few mini-programs ask twice."""

    def key(self, request: Any, view: Any) -> str | None:
        return f"categories_throttle:{request.user.pk}" if request.method == "GET" else None
