"""How often a user may ask. The limits themselves are `services.limits`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.throttling import BaseThrottle

from ..services import limits
from ..services.limits import Limit


class PostThrottle(BaseThrottle):
    """POSTs of one user.

    DRF's own list of times is read, changed and written back, so a burst of parallel requests
    slips through; `Limit` counts every one.
    """

    _limit: Limit | None = None

    def limit_on(self, request: Any, view: Any) -> Limit | None:
        """The limit that this request counts against; None: it isn't limited."""
        return limits.of_posts(request.user) if request.method == "POST" else None

    def allow_request(self, request: Any, view: Any) -> bool:
        self._limit = self.limit_on(request, view)
        return self._limit is None or self._limit.take()

    def wait(self) -> float | None:
        """Seconds until the window ends."""
        return self._limit.wait() if self._limit else None


class FaceThrottle(PostThrottle):
    """Begins of one user that reached WeChat. The others are given back."""

    def limit_on(self, request: Any, view: Any) -> Limit | None:
        return limits.of_faces(request.user)

    def allow_request(self, request: Any, view: Any) -> bool:
        allowed = super().allow_request(request, view)
        if not allowed:
            self._give_back()
        return allowed

    @contextmanager
    def only_what_reached_wechat(self) -> Iterator[None]:
        """Don't count this request if it fails before WeChat was reached."""
        try:
            yield
        except Exception as error:
            if not getattr(error, "reached", False):
                self._give_back()
            raise

    def _give_back(self) -> None:
        if self._limit:
            self._limit.give_back()


class ResultThrottle(PostThrottle):
    """Results asked for one record."""

    def limit_on(self, request: Any, view: Any) -> Limit | None:
        if request.method != "POST":
            return None
        return limits.of_results(request.user, view.kwargs["pk"])


class CategoriesThrottle(PostThrottle):
    """The categories asked for by one user."""

    def limit_on(self, request: Any, view: Any) -> Limit | None:
        return limits.of_categories(request.user) if request.method == "GET" else None
