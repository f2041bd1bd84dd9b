"""HTTP as the sandbox speaks it, to well-behaved clients and to others."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import time
from contextlib import closing

import pytest

from tests.test_sandbox.client import APP, NA, STABLE, Clock, WeChatClient
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox


def connection_to(sandbox: Sandbox) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)


def test_a_connection_serves_many_requests(wechat: WeChatClient) -> None:
    with closing(connection_to(wechat.sandbox)) as connection:
        sockets = set()
        for path in ("/", STABLE, "/sandbox/", "/wxa/get_category", "/"):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.version == 11
            assert int(response.headers["Content-Length"]) == len(body)
            assert response.headers["Content-Type"].startswith("application/json")
            sockets.add(connection.sock)
        assert len(sockets) == 1
        assert None not in sockets


def test_an_answer_is_not_held_back_by_nagle(wechat: WeChatClient) -> None:
    token = wechat.access_token()
    start = time.perf_counter()
    for _ in range(100):
        wechat.categories(token)
    assert time.perf_counter() - start < 3.5  # 40 ms each, were it held back


def test_a_head_request_leaves_the_connection_usable(wechat: WeChatClient) -> None:
    assert wechat.send("HEAD", "/sandbox/").text == ""
    assert wechat.send("GET", "/sandbox/").status_code == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 412),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"what is this\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_what_is_not_http_as_spoken_here_is_turned_away_and_quotes_nothing(
    sandbox: Sandbox, request_head: bytes, status: int
) -> None:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_head)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        assert set(json.loads(response.read())) == {"error"}
        assert response.headers["Connection"] == "close"


def test_a_client_that_goes_away_harms_nobody(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = wechat.sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
    assert wechat.send("GET", "/").status_code == 404
    assert capfd.readouterr().err == ""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_stopped_sandbox_answers_no_more_on_open_connections_either(
    merchants: list[Merchant],
) -> None:
    sandbox = Sandbox(merchants)
    sandbox.start()
    with pytest.raises(RuntimeError):
        sandbox.start()
    with closing(connection_to(sandbox)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        sandbox.stop()
        sandbox.stop()
        connection.auto_open = 0
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", "/")
            connection.getresponse()
    with pytest.raises(RuntimeError):
        _ = sandbox.url


def test_what_it_knows_outlives_a_restart(
    merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> None:
    sandbox = Sandbox(merchants, clock=clock)
    auth_token = sandbox.issue_auth_token(NA, APP)
    with sandbox:
        token = WeChatClient(sandbox, clock, key).access_token()
    with sandbox:
        assert WeChatClient(sandbox, clock, key).ask(auth_token, access_token=token)["errcode"] == 0
