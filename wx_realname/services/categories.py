"""The mini-program's categories, from which the button's `category-id` is taken."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.core.cache import caches

from .. import conf
from . import merchants

logger = logging.getLogger(__name__)

CACHED = 3600  # seconds


def categories(*, merchant: str = "default") -> list[dict[str, Any]]:
    """WeChat's list, cached an hour. Raises `RealNameError` subclasses; a cache that is down is a miss."""
    found = merchants.find(merchant)
    settings = conf.current()
    name = hashlib.sha256(f"{settings.api_base_url} {found.app_id}".encode()).hexdigest()[:32]
    cache, key = caches[settings.cache_alias], f"wx_realname:categories:{name}"
    try:
        cached = cache.get(key)
    except Exception as error:
        logger.warning("the cache failed (%s): WeChat is asked", type(error).__name__)
        cached = None
    if isinstance(cached, list):
        return cached
    fresh = merchants.client_for(found).get_category(merchants.deadline())
    try:
        cache.set(key, fresh, CACHED)
    except Exception as error:
        logger.warning("the cache failed (%s): not kept", type(error).__name__)
    return fresh
