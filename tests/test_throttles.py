"""THROTTLE_RATE: so many POSTs of a user, counted in CACHE_ALIAS; a cache that is down closes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from rest_framework.test import APIClient

from tests.conftest import at_once
from tests.lying_wechat import TOKEN, LyingWeChat
from wx_realname.models import Verification

pytestmark = pytest.mark.django_db
Api = Callable[[str], APIClient]
Configure = Callable[..., None]
LIST = "/api/realname/verifications/"


class BrokenCache(BaseCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)


class DownCache(BrokenCache):
    """A cache whose server is gone."""

    def _gone(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("no cache")

    add = get = set = delete = touch = clear = _gone


class FullCache(BrokenCache):
    """A cache in a database whose disk is full: what fails is no error to Django's, but False."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return default

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def set(self, *args: Any, **kwargs: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _limited(liar: LyingWeChat, configure: Configure, settings: Any, tmp_path: Path) -> None:
    kinds = {
        "other": ("django.core.cache.backends.locmem.LocMemCache", "throttles"),
        "database": ("django.core.cache.backends.db.DatabaseCache", "throttles"),
        "files": ("django.core.cache.backends.filebased.FileBasedCache", str(tmp_path)),
        "down": (f"{__name__}.DownCache", ""),
        "full": (f"{__name__}.FullCache", ""),
    }
    settings.CACHES = settings.CACHES | {
        alias: {"BACKEND": backend, "LOCATION": place, "TIMEOUT": 1}
        for alias, (backend, place) in kinds.items()
    }
    caches["other"].clear()
    rest = {name: it for name, it in settings.WX_REALNAME.items() if name != "THROTTLE_RATE"}
    settings.WX_REALNAME = rest  # the default, 10/min


def post(api: Api, number: int, username: str = "citizen") -> int:
    return int(api(username).post(LIST, {"auth_token": f"token-{number}"}).status_code)


def test_the_eleventh_post_of_a_users_minute_is_429(api: Api, liar: LyingWeChat) -> None:
    assert [post(api, number) for number in range(10)] == [201] * 10
    answer = api("citizen").post(LIST, {"auth_token": "one-more"})
    assert (answer.status_code, answer["Cache-Control"]) == (429, "no-store")
    nothing = {"verification": None, "wechat": None, "detail": answer.json()["detail"]}
    assert answer.json() == {"code": "throttled", "retry": "later", **nothing}
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert (len(liar.exchanges), Verification.objects.count()) == (10, 10)
    assert post(api, 100, "stranger") == 201


def test_every_post_counts_and_nothing_else_does(api: Api) -> None:
    for _ in range(12):
        assert api("citizen").post("/api/realname/nothing/").status_code == 404
    for _ in range(5):
        assert api("citizen").post(LIST, {}).status_code == 400
        assert post(api, 1) in (200, 201)
    assert post(api, 1) == 429
    assert api("citizen").post(LIST, b"x", content_type="text/plain").status_code == 429
    for _ in range(12):
        assert api("citizen").get(LIST).status_code == 200
    address = f"{LIST}{Verification.objects.get().pk}/"
    assert api("citizen").delete(address).status_code == 204
    assert api("").post(LIST, {}).status_code == 401


@pytest.mark.parametrize(("rate", "allowed"), [("1/day", 1), ("3/hour", 3), (None, 12)])
def test_the_rate_is_the_settings(
    api: Api, configure: Configure, rate: str | None, allowed: int
) -> None:
    configure(THROTTLE_RATE=rate)
    assert [post(api, number) for number in range(12)].count(201) == allowed


def test_posts_are_counted_in_the_cache_of_the_settings(api: Api, configure: Configure) -> None:
    configure(CACHE_ALIAS="other", THROTTLE_RATE="1/min")
    assert [post(api, 1), post(api, 2)] == [201, 429]
    caches["default"].clear()
    assert post(api, 3) == 429
    caches["other"].clear()
    assert post(api, 4) == 201


@pytest.mark.parametrize(("cache", "fault"), [("down", "unavailable"), ("full", "OSError")])
def test_a_cache_that_is_down_lets_through_and_is_logged(
    api: Api, liar: LyingWeChat, configure: Configure, caplog: Any, cache: str, fault: str
) -> None:
    configure(CACHE_ALIAS=cache)
    assert [post(api, number) for number in range(12)] == [201] * 12
    assert f"({fault}): nothing is limited" in caplog.text
    fetched = [call for call in liar.calls if call.path == TOKEN]
    assert len(fetched) == 1  # nor does an outage burn WeChat's quota


@pytest.mark.parametrize("cache", ["other", "database", "files"])
def test_a_window_outlasts_the_caches_own_timeout(
    api: Api, configure: Configure, cache: str
) -> None:
    configure(THROTTLE_RATE="2/day", CACHE_ALIAS=cache)
    assert [post(api, number) for number in range(3)] == [201, 201, 429]
    time.sleep(1.1)  # TIMEOUT is a second
    assert post(api, 3) == 429


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cache", ["other", "database"])
def test_a_burst_of_parallel_posts_is_counted_whole(
    api: Api, configure: Configure, cache: str
) -> None:
    configure(THROTTLE_RATE="10/hour", CACHE_ALIAS=cache)
    api("citizen").get(LIST)  # the user is there
    statuses = at_once(*[partial(post, api, number) for number in range(40)])
    assert sorted(statuses) == [201] * 10 + [429] * 30
