"""A cache that hangs, fails or comes back: no request waits long for it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wx_realname.deploy_checks import the_cache_has_time_outs
from wx_realname.services import cache as guarded
from wx_realname.services.cache import Cache, CacheUnavailable, forget_failures, waits_are_bounded

REDIS = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    forget_failures()
    yield
    forget_failures()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """It accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def use(settings: Any, location: str, **options: float) -> None:
    settings.CACHES = settings.CACHES | {
        "slow": {"BACKEND": REDIS, "LOCATION": location, "OPTIONS": options}
    }
    settings.WX_REALNAME = settings.WX_REALNAME | {"CACHE_ALIAS": "slow"}


@pytest.mark.parametrize("options", [{}, {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}])
def test_a_cache_that_never_answers_is_given_up_and_left_alone(
    settings: Any, silent_server: str, monkeypatch: pytest.MonkeyPatch, options: dict[str, float]
) -> None:
    pytest.importorskip("redis")
    monkeypatch.setattr(guarded, "WAIT", 0.3)
    use(settings, silent_server, **options)
    assert waits_are_bounded("slow") is bool(options)
    with pytest.raises(CacheUnavailable):
        Cache("slow").get("key")
    began = time.monotonic()
    for _ in range(100):  # whoever comes within the rest doesn't wait at all
        with pytest.raises(CacheUnavailable):
            Cache("slow").set("key", 1, 60)
    assert time.monotonic() - began < guarded.REST


def test_a_cache_is_asked_again_after_its_rest(
    settings: Any, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis")
    monkeypatch.setattr(guarded, "WAIT", 0.1)
    use(settings, silent_server)
    with pytest.raises(CacheUnavailable):
        Cache("slow").get("key")
    monkeypatch.setattr(guarded, "REST", 0)
    settings.CACHES = settings.CACHES | {"slow": settings.CACHES["default"]}
    Cache("slow").set("key", 1, 60)
    assert Cache("slow").get("key") == 1


@pytest.mark.django_db  # the cache may be kept there
def test_incr_of_what_is_not_there_is_no_failure() -> None:
    cache = Cache("default")
    cache.delete("counter")
    with pytest.raises(ValueError):
        cache.incr("counter")
    assert cache.add("counter", 0, 60) and not cache.add("counter", 5, 60)
    assert cache.incr("counter") == 1


def test_a_deploy_check_wants_time_outs_of_redis(settings: Any) -> None:
    assert list(the_cache_has_time_outs()) == []
    use(settings, "redis://127.0.0.1:1/0")
    (found,) = the_cache_has_time_outs()
    assert found.id == "wx_realname.W020" and "socket_timeout" in str(found.hint)
    use(settings, "redis://127.0.0.1:1/0", socket_connect_timeout=0.5, socket_timeout=0.5)
    assert list(the_cache_has_time_outs()) == []
