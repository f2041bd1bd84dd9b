"""How often a user may post an auth_token: THROTTLE_RATE, counted in CACHE_ALIAS."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache import caches
from rest_framework.throttling import SimpleRateThrottle

from .. import conf

logger = logging.getLogger(__name__)


class PostThrottle(SimpleRateThrottle):
    """POSTs of one user. A cache that is down lets them through: it must not close a public service."""

    scope = "wx_realname"

    def __init__(self) -> None:
        self.cache = caches[conf.current().cache_alias]
        super().__init__()

    def get_rate(self) -> str | None:
        return conf.current().throttle_rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        return f"wx_realname:throttle:{request.user.pk}" if request.method == "POST" else None

    def allow_request(self, request: Any, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except Exception as error:
            logger.error("the cache failed (%s): requests are not throttled", type(error).__name__)
            return True
