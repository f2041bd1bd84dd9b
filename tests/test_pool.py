"""Threads wait for WeChat, not for a database connection: 64 of them live on a pool of 8."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from rest_framework.test import APIClient

from tests.conftest import at_once
from wx_realname.exceptions import RealNameError, WeChatUnreachable
from wx_realname.models import Verification
from wx_realname.sandbox import Citizen, Sandbox, server
from wx_realname.services import (
    begin_face,
    categories,
    exchange,
    finish_face,
    login,
    transactions,
)
from wx_realname.services.verification import single_flight
from wx_realname.wechat.merchant_key import PemKey

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
LIST = "/api/realname/verifications/"
THREADS, CONNECTIONS, LATENCY = 64, 8, 0.3


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The database behind psycopg's pool, as OPTIONS["pool"] makes one."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: TEST_DATABASE_URL")
    connections.close_all()
    options = connections.settings["default"].setdefault("OPTIONS", {})
    monkeypatch.setitem(options, "pool", {"min_size": 1, "max_size": CONNECTIONS, "timeout": 20})
    yield connection.pool
    connections.close_all()
    connection.close_pool()


@pytest.fixture
def crowd(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> threading.Barrier:
    """WeChat answers once that many citizens are being served at the same time, and 300 ms later."""
    barrier, answer = threading.Barrier(THREADS), server._answer

    def slow(state: Any, request: Any) -> Any:
        if request.path.endswith("getrealnameinfo"):
            barrier.wait(20)
            time.sleep(LATENCY)
        return answer(state, request)

    monkeypatch.setattr(server, "_answer", slow)
    return barrier


@pytest.mark.parametrize("cache", ["default", "throttles"])  # and in the database
def test_64_threads_ask_wechat_at_once_over_8_connections(
    pool: Any,
    crowd: threading.Barrier,
    sandbox: Sandbox,
    api: Callable[[str], APIClient],
    configure: Callable[..., None],
    cache: str,
) -> None:
    configure(CACHE_ALIAS=cache, THROTTLE_RATE="9/day")
    tokens = [
        sandbox.issue_auth_token(Citizen("张三", "440524198001010013")) for _ in range(THREADS)
    ]

    def post(number: int) -> int:
        answer = api(f"citizen {number}").post(LIST, {"auth_token": tokens[number]})
        return int(answer.status_code)

    came = at_once(*[partial(post, number) for number in range(THREADS)])
    assert came == [201] * THREADS
    assert not crowd.broken
    assert Verification.objects.filter(status="verified").count() == THREADS
    assert pool.get_stats()["pool_max"] == CONNECTIONS
    assert pool.get_stats()["pool_size"] <= CONNECTIONS


def lent(pool: Any) -> int:
    """How many connections are out, once the pool's own thread has taken back what was returned."""
    for _ in range(100):
        stats = pool.get_stats()
        if stats["pool_size"] == stats["pool_available"]:
            return 0
        time.sleep(0.05)
    return int(stats["pool_size"] - stats["pool_available"])


class Device(PemKey):
    """A KEY_BACKEND, and a provider of tokens, that look at the pool."""

    held: ClassVar[list[int]] = []

    def sign(self, message: bytes) -> bytes:
        self.held.append(lent(connection.pool))
        return super().sign(message)


def provided(app_id: str) -> str:
    Device.held.append(lent(connection.pool))
    return "70_a-token-of-a-central-service"


def test_no_connection_waits_for_a_device_or_a_provider_of_tokens(
    pool: Any, sandbox: Sandbox, user: Any, configure: Callable[..., None]
) -> None:
    backend, provider = f"{__name__}.Device", f"{__name__}.provided"
    configure(merchant={"KEY_BACKEND": backend, "ACCESS_TOKEN_PROVIDER": provider})
    Device.held.clear()
    with suppress(RealNameError):  # the sandbox knows no token but its own
        exchange(user=user, auth_token="a-token-of-a-citizen")
    assert Device.held and not any(Device.held)


@pytest.mark.parametrize("asks", ["categories", "login"])
def test_no_other_call_holds_a_connection_either(
    pool: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, asks: str
) -> None:
    held, answer = [], server._answer

    def watched(state: Any, request: Any) -> Any:
        held.append(lent(pool))
        return answer(state, request)

    monkeypatch.setattr(server, "_answer", watched)
    get_user_model().objects.count()  # as authentication would
    categories() if asks == "categories" else login(code=sandbox.issue_login_code("o-citizen-0"))
    assert held and not any(held)


def test_who_joins_a_faces_query_holds_no_connection_meanwhile(
    pool: Any, sandbox: Sandbox, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = {"real_name": "欧阳娜", "credential_id": "440524198001010013"}
    row, held = begin_face(user=user, openid="o-citizen-0", **person), []

    def wait(flight: Any, seconds: float) -> Any:
        held.append(lent(pool))
        return WeChatUnreachable()

    monkeypatch.setattr(single_flight, "wait_for", wait)
    with single_flight.leading(row.pk), pytest.raises(WeChatUnreachable):
        finish_face(row)
    assert held == [0]


def test_a_connection_inside_the_hosts_transaction_is_kept(pool: Any) -> None:
    with transaction.atomic():
        get_user_model().objects.create(username="citizen")
        transactions.release()
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("pooled", [True, False])
def test_only_a_pools_connection_is_given_back(
    request: pytest.FixtureRequest, pooled: bool
) -> None:
    if pooled:
        request.getfixturevalue("pool")
    get_user_model().objects.count()
    transactions.release()
    assert (connection.connection is None) is pooled
    assert get_user_model().objects.count() == 0
