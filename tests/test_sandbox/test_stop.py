"""The sandbox stops at once, and its memory stays small, whatever it is in the middle of."""

from __future__ import annotations

import threading
import time
import tracemalloc
from typing import Any

import pytest

from tests.test_sandbox.client import APP, NAME, NUMBER, SECRET, STABLE, Clock, WeChatClient
from tests.test_sandbox.wire import Patience, connect, exchange, request_for
from wx_realname.sandbox import Citizen, Merchant, MerchantKey, Sandbox
from wx_realname.sandbox.faults import garbled

UNENDING = ["timeout_before_consumption", "timeout_after_consumption", "stalled_body"]
UNENDING += ["late_answer", "slow_drip", "huge_body", "endless_body", "endless_head"]


@pytest.fixture
def others() -> set[threading.Thread]:
    """Threads of other tests' servers."""
    return set(threading.enumerate())


@pytest.mark.parametrize("name", UNENDING)
def test_a_stop_waits_for_no_fault(
    merchants: list[Merchant], clock: Clock, key: MerchantKey, name: str, others: set[Any]
) -> None:
    sandbox = Sandbox(merchants, clock=clock)
    with sandbox:
        wechat = WeChatClient(sandbox, clock, key)
        citizen = Citizen(NAME, NUMBER, fault=name)
        request = request_for("getrealnameinfo", wechat, sandbox.issue_auth_token(citizen, APP))
        connection = connect(sandbox.url)
        connection.sendall(request)
        while not any(entry.fault for entry in sandbox.ledger):
            time.sleep(0.005)
        start = time.perf_counter()
    assert time.perf_counter() - start < 10
    connection.close()
    assert_no_thread_is_left(others)


def test_a_client_that_hangs_up_frees_its_thread(
    others: set[threading.Thread], wechat: WeChatClient
) -> None:
    for name in ("timeout_before_consumption", "late_answer", "endless_body", "slow_drip"):
        wechat.sandbox.fault(name, "stable_token")
        exchange(wechat.sandbox.url, request_for("stable_token", wechat), Patience(0.05, 0.05))
    wechat.session.close()
    assert_no_thread_is_left(others)


def assert_no_thread_is_left(others: set[threading.Thread]) -> None:
    end = time.monotonic() + 5
    while any("process_request" in t.name for t in set(threading.enumerate()) - others):
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.01)


def test_a_client_that_says_more_while_it_is_kept_waiting_is_kept_waiting(
    wechat: WeChatClient,
) -> None:
    wechat.sandbox.fault("timeout_before_consumption", "stable_token")
    request = request_for("stable_token", wechat)
    came = exchange(wechat.sandbox.url, request + request, Patience(0.3))
    assert (came.data, came.ending) == (b"", "silence")


def test_a_gibibyte_is_sent_and_never_held(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("huge_body", "stable_token")
    request, got, buffer = request_for("stable_token", wechat), 0, bytearray(1 << 20)
    tracemalloc.start()
    with connect(wechat.sandbox.url) as connection:
        connection.sendall(request)
        while count := connection.recv_into(buffer):
            got += count
            if got > 64 << 20:  # as good as all of it, and sooner
                break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert wechat.sandbox.ledger[-1].delivered == "part"


def test_a_huge_body_is_as_long_as_it_says() -> None:
    assert sum(map(len, garbled.flood(b"", b""))) == 1 << 30


def test_a_gzip_bomb_is_all_there(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("gzip_bomb", "stable_token")
    token = {"grant_type": "client_credential", "appid": APP, "secret": SECRET}
    response = wechat.send("POST", STABLE, json=token, stream=True)
    first = next(response.iter_content(1 << 22))
    assert len(first) == 1 << 22  # of 1 GiB: the rest is of the same
    assert first.startswith(b'{"errcode":0,"errmsg":"ok   ')
    response.close()


def test_faults_leave_no_secret_in_the_log(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wx_realname.sandbox")
    auth_token = wechat.sandbox.issue_auth_token(Citizen(NAME, NUMBER), APP)
    request = request_for("getrealnameinfo", wechat, auth_token)
    caplog.clear()
    for name in ("reset_after_consumption", "timeout_before_consumption", "errmsg_with_secrets"):
        wechat.sandbox.fault(name)
        exchange(wechat.sandbox.url, request, Patience(0.5, 0.05))
    path = "POST /cgi-bin/wxopen/getrealnameinfo"
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} errcode 0, met reset_after_consumption",
        f"{path} met timeout_before_consumption",
        f"{path} errcode 45009, met errmsg_with_secrets",
    ]
