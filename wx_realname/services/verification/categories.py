"""The mini-program's categories, from which the button's `category-id` is taken."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from ... import conf
from .. import clients
from ..cache import Cache, CacheUnavailable
from . import single_flight

logger = logging.getLogger(__name__)

CACHED = 3600  # seconds


def categories(*, merchant: str = "default") -> list[dict[str, Any]]:
    """WeChat's list, cached for an hour, unless the cache is down. Raises `RealNameError` subclasses."""
    found = clients.find(merchant)
    cached = remembered(found)
    return _together(found) if cached is None else cached


def category_id(*, merchant: str = "default") -> list[int] | None:
    """The category that the button takes, as CATEGORY_ID declares it; None where it isn't set."""
    declared = clients.find(merchant).category_id
    return list(declared) if declared else None


def _together(found: conf.Merchant) -> list[dict[str, Any]]:
    """One thread asks WeChat; the others wait, and read the cached answer."""
    with single_flight.leading(_key(found)) as flight:
        if flight is None:
            return _fetch(found)
    if error := single_flight.wait_for(flight, conf.current().total_timeout):
        raise error
    cached = remembered(found)
    return _fetch(found) if cached is None else cached


def _fetch(found: conf.Merchant) -> list[dict[str, Any]]:
    fresh = clients.client_for(found).get_category(clients.deadline())
    try:
        Cache().set(_key(found), fresh, CACHED)
    except CacheUnavailable:
        logger.warning("the categories were not cached")
    return fresh


def remembered(merchant: conf.Merchant) -> list[dict[str, Any]] | None:
    """WeChat's answer of the last hour; None when it wasn't asked, or the cache is down."""
    try:
        cached = Cache().get(_key(merchant))
    except CacheUnavailable:
        return None
    return cached if isinstance(cached, list) else None


def _key(merchant: conf.Merchant) -> str:
    name = f"{conf.current().api_base_url} {merchant.app_id}"
    return f"wx_realname:categories:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
