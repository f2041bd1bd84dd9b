"""A cache that hangs, fails or comes back: no request waits long for it."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from wx_realname.deploy_checks import the_cache_has_time_outs
from wx_realname.services import cache as guarded
from wx_realname.services.cache import Cache, CacheUnavailable, forget_failures, waits_are_bounded

REDIS = "django.core.cache.backends.redis.RedisCache"
TIME_OUTS = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}


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


@pytest.mark.parametrize("options", [{}, TIME_OUTS])
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
    # and after it, the cache is asked again
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
    use(settings, "redis://127.0.0.1:1/0", **TIME_OUTS)
    assert list(the_cache_has_time_outs()) == []


class Dripping(socketserver.BaseRequestHandler):
    """It begins a long answer at once, and sends a byte of it each 0.05 s: no wait is a long one."""

    def handle(self) -> None:
        with suppress(OSError):
            self.request.recv(1024)
            self.request.sendall(b"$100000\r\n")
            while True:
                self.request.sendall(b"x")
                time.sleep(0.05)


@pytest.fixture
def dripping_server() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


def test_a_cache_that_answers_byte_by_byte_is_given_up(
    settings: Any, dripping_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis")
    monkeypatch.setattr(guarded, "WAIT", 0.4)
    use(settings, dripping_server, **TIME_OUTS)
    assert waits_are_bounded("slow")
    began = time.monotonic()
    with pytest.raises(CacheUnavailable):
        Cache("slow").get("key")
    assert time.monotonic() - began < 5


class SlowCache(LocMemCache):
    """Each operation takes 0.3 s, as over a slow network."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.3)
        return super().get(*args, **kwargs)


def test_the_operations_of_one_limit_share_one_wait(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "WAIT", 0.5)
    monkeypatch.setattr(guarded, "_LOCAL", ())
    slow = {"BACKEND": f"{__name__}.SlowCache", "LOCATION": "slow"}
    settings.CACHES = settings.CACHES | {"slow": slow}
    apart, shared = Cache("slow"), Cache("slow", shares_wait=True)
    for _ in range(3):
        apart.get("key")
    shared.get("key")
    with pytest.raises(CacheUnavailable):
        shared.get("key")


def test_a_cache_whose_package_is_missing_is_unavailable(settings: Any) -> None:
    missing = {"BACKEND": "not_installed.RedisCache", "LOCATION": "redis://127.0.0.1/0"}
    settings.CACHES = settings.CACHES | {"missing": missing}
    for _ in range(2):  # it is left alone after the first
        with pytest.raises(CacheUnavailable):
            Cache("missing").get("key")
