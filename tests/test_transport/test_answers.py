"""What came is known to be an answer or none: nothing is sent twice, and no secret is seen."""

from __future__ import annotations

import json
import logging
import socket
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import stand_ins
from tests.cases import each
from tests.stand_ins import Seen, StandIn, everything_shown, hangs, http, resets, says, sends
from tests.test_transport.conftest import (
    BODY_SECRETS,
    FAULTS,
    OK,
    PATH,
    QUERY_SECRETS,
    SECRETS,
    Serve,
    call,
    fault,
    patience,
    to,
)
from wx_realname.wechat.reading import MAX_ANSWER_BYTES, Deadline
from wx_realname.wechat.route import Route
from wx_realname.wechat.transport import NoAnswer


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_query_and_payload_arrive_whole(server: StandIn, method: str, fresh: bool) -> None:
    server.always(OK)
    assert call(to(server.url), method=method, fresh=fresh).get("errcode") == 0
    seen = server.requests[0]
    assert (seen.method, seen.path, seen.query) == (method, PATH, QUERY_SECRETS)
    assert seen.body == b"" if method == "GET" else seen.json == BODY_SECRETS
    assert seen.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "whole",
    [
        http(b'{"errcode":0}'),
        stand_ins.chunked(b'{"err', b'code":0}'),
        http(b'{"a":"' + b"x" * (MAX_ANSWER_BYTES - 8) + b'"}'),
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(b'{"errcode":0}'),
    ],
    ids=["with a length", "in chunks", "of 64 KiB", "after 100 Continue"],
)
def test_whole_answers_keep_one_connection(server: StandIn, whole: bytes) -> None:
    server.always(sends(whole))
    transport = to(server.url)
    for _ in range(5):
        call(transport)
    assert len(server.ports) == 5
    assert server.connections == 1


# --- faults -----------------------------------------------------------------------------------


def test_a_fault_is_no_answer_and_its_connection_is_never_used_again(server: StandIn) -> None:
    transport = to(server.url)
    for name, behaviour in FAULTS.items():
        server.requests.clear()
        server.play(OK, behaviour)
        server.always(says({"mine": 1}))
        call(transport)
        assert fault(transport, patience(name)).sent, name
        assert call(transport).get("mine") == 1, name
        first, broken, after = server.ports
        assert first == broken != after, name


def test_no_fault_shows_a_secret(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve()
    for name, behaviour in FAULTS.items():
        caplog.clear()
        server.play(behaviour)
        error = fault(to(server.url), patience(name))
        logged = caplog.text + repr([vars(record) for record in caplog.records])
        assert f"{PATH}: {error} (sent)" in logged, name
        shown = everything_shown(error)
        assert not [text for text in SECRETS if text in logged or text in shown], name


def test_the_reason_is_said_in_plain_words(serve: Serve) -> None:
    server = serve()
    said = {}
    for name, behaviour in FAULTS.items():
        server.play(behaviour)
        said[name] = str(fault(to(server.url), patience(name)))
    assert not [words for words in said.values() if "Error" in words or "Exception" in words]
    assert said["502, a page"] == "HTTP status 502"
    assert said["a page"] == said["cut JSON"] == said["empty"] == "not JSON"
    assert said["two lengths"] == "an answer of two lengths"
    assert said["too large"] == said["endless chunks"] == f"more than {MAX_ANSWER_BYTES} bytes"
    assert said["not UTF-8"] == "not UTF-8"
    assert said["a cut body"] == said["a cut chunk"] == "cut short"
    assert said["reset"] == "the connection was reset"
    assert said["closed without an answer"] == "the connection was closed without an answer"
    assert said["a garbage status line"] == "not HTTP"


def test_a_refusal_stays_legible_whatever_its_type_and_control_characters(serve: Serve) -> None:
    server = serve()
    body = b'{"errcode": 40013, "errmsg": "invalid\tappid\nrid: 1-2"}'
    server.play(sends(http(body, "Content-Type: text/plain")))
    answer = call(to(server.url))
    assert (answer.get("errcode"), answer.get("errmsg")) == (40013, "invalid\tappid\nrid: 1-2")


@each(
    "body",
    [
        b'\xef\xbb\xbf{"errcode": 94005, "errmsg": "invalid"}',
        b'{"errcode": 94005, "errmsg": "invalid \xe5\xbc"}',  # cut within a character
    ],
)
def test_a_refusal_stays_legible_with_a_bom_or_a_byte_that_is_not_utf_8(
    serve: Serve, body: bytes
) -> None:
    server = serve()
    server.play(sends(http(body)))
    answer = call(to(server.url))
    assert answer.get("errcode") == 94005 and answer.get("errmsg").startswith("invalid")


@each("errcode", [b'"errcode": 0, ', b"", b'"errcode": "94005", ', b'"errcode": true, '])
def test_a_byte_that_is_not_utf_8_makes_no_success(serve: Serve, errcode: bytes) -> None:
    server = serve()
    server.play(sends(http(b"{" + errcode + b'"errmsg": "ok\xff", "verify_ret": 10000}')))
    assert str(fault(to(server.url))) == "not UTF-8"


@pytest.mark.parametrize("connection", ["fresh", "used"])
def test_a_token_is_not_sent_twice_after_a_reset(server: StandIn, connection: str) -> None:
    transport = to(server.url)
    if connection == "fresh":
        server.greetings.append(stand_ins.resets_unread)
    else:
        server.play(OK, resets())
        call(transport)
    assert fault(transport).sent
    assert server.connections == 1


def test_a_redirect_is_not_followed_and_its_body_not_read(server: StandIn) -> None:
    server.play(FAULTS["a redirect with an endless body"])
    assert str(fault(to(server.url))) == "HTTP status 302"
    assert server.paths == [PATH]


@pytest.mark.parametrize("name", ["endless", "endless chunks", "a gzip bomb"])
def test_no_answer_takes_much_memory(serve: Serve, name: str) -> None:
    server = serve()
    server.play(OK, FAULTS[name])
    transport = to(server.url)
    call(transport)
    tracemalloc.start()
    fault(transport)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_read_time_out_ends_a_wait_before_the_deadline(server: StandIn) -> None:
    server.play(hangs)
    deadline = Deadline(20)
    assert fault(to(server.url, read=0.1), 20).sent
    assert deadline.remaining() > 10


# --- whose answer it is -----------------------------------------------------------------------

STOLEN = http(b'{"stolen":1}')
MINE = http(b'{"mine":1}')
FILLED = MINE.replace(b"\r\n\r\n", b"\r\nX-Fill: " + b"x" * (8192 - len(MINE) - 10) + b"\r\n\r\n")


@pytest.mark.parametrize(
    "parts",
    [
        (MINE + STOLEN,),
        (MINE, STOLEN),
        (MINE, STOLEN[:9]),
        (MINE + b"\r\n",),
        (
            MINE + b"x" * (8192 - len(MINE)) + STOLEN,
        ),  # in one TLS record, beyond what one read takes
        (FILLED + STOLEN,),  # the first answer fills the read to its last byte
    ],
    ids=["at once", "later", "in part", "a line", "beyond a read", "just beyond a read"],
)
def test_a_second_answer_is_never_read_as_the_next_ones(
    server: StandIn, parts: tuple[bytes, ...]
) -> None:
    server.play(sends(*parts, pause=0.03))
    server.always(says({"mine": 2}))
    transport = to(server.url)
    assert call(transport).get("mine") == 1
    time.sleep(0.06)
    assert call(transport).get("mine") == 2
    assert len(set(server.ports)) == 2


@pytest.mark.parametrize("ends", ["idle", "closed by the server", "Connection: close", "HTTP/1.0"])
def test_an_old_connection_is_not_used_again(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    closing = "Connection: close" if ends == "Connection: close" else "X: "
    answer = http(b"{}", closing)
    if ends == "HTTP/1.0":
        answer = answer.replace(b"HTTP/1.1", b"HTTP/1.0")
    server.play(sends(answer, close=ends == "closed by the server"))
    server.always(OK)
    if ends == "idle":
        monkeypatch.setattr("wx_realname.wechat.transport.MAX_IDLE", 0.05)
    transport = to(server.url)
    call(transport)
    time.sleep(0.1)
    assert call(transport).get("errcode") == 0
    assert len(set(server.ports)) == 2


@pytest.mark.parametrize("spoilt", [set(), {3, 7}], ids=["honest", "erratic"])
def test_each_of_many_threads_gets_its_own_answer(server: StandIn, spoilt: set[int]) -> None:
    def echo(sock: socket.socket, seen: Seen) -> bool:
        number = int(seen.query["n"])
        answer = http(json.dumps({"n": number}).encode())
        beyond = STOLEN if spoilt and number % 20 == 9 else b""
        sock.sendall(http(b"<html>") if number % 20 in spoilt else answer + beyond)
        return True

    def ask(number: int) -> Any:
        try:
            query, fresh = {"n": str(number)}, bool(number % 2)
            return transport.call("GET", "/", Deadline(20), query=query, fresh=fresh).get("n")
        except NoAnswer:
            return None

    server.always(echo)
    transport = to(server.url, connect=10, read=10)
    numbers = range(32 * 20)
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, numbers)) == [None if n % 20 in spoilt else n for n in numbers]
    assert sorted(int(seen.query["n"]) for seen in server.requests) == list(numbers)


def test_cookies_are_not_kept(server: StandIn) -> None:
    server.always(says({}, "Set-Cookie: citizen=1; Path=/", "Set-Cookie: other=2"))
    transport = to(server.url)
    call(transport)
    call(transport)
    assert "cookie" not in server.requests[1].headers


def test_after_the_deadline_nothing_is_sent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    assert not fault(to(server.url), 0).sent
    assert server.connections == 0
    opening = Route.open

    def open_late(route: Route, patience: Any) -> socket.socket:
        sock = opening(route, patience)
        time.sleep(0.2)
        return sock

    monkeypatch.setattr(Route, "open", open_late)
    assert not fault(to(server.url), 0.1).sent
    assert (server.connections, server.requests) == (1, [])
