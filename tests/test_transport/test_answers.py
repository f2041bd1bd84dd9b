"""What came is known to be an answer or none: nothing is sent twice, and no secret is seen."""

from __future__ import annotations

import json
import logging
import socket
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tests import stand_ins
from tests.cases import each
from tests.conftest import frames
from tests.stand_ins import Seen, StandIn, hangs, http, says, sends
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


REASONS = {
    "502, a page": "HTTP status 502",
    "a redirect with an endless body": "HTTP status 302",
    **dict.fromkeys(("a page", "cut JSON", "empty"), "not JSON"),
    "two lengths": "an answer of two lengths",
    **dict.fromkeys(("too large", "endless chunks"), f"more than {MAX_ANSWER_BYTES} bytes"),
    "not UTF-8": "not UTF-8",
    **dict.fromkeys(("a cut body", "a cut chunk"), "cut short"),
    "reset": "the connection was reset",
    "closed without an answer": "the connection was closed without an answer",
    "a garbage status line": "not HTTP",
}


def test_the_reason_is_said_in_plain_words_and_shows_no_secret(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve()
    for name, behaviour in FAULTS.items():
        caplog.clear()
        server.play(behaviour)
        error = fault(to(server.url), patience(name))
        logged = caplog.text + repr([vars(record) for record in caplog.records])
        assert f"{PATH}: {error} (sent)" in logged, name
        shown = "".join(frames(error))
        assert not [text for text in SECRETS if text in logged or text in shown], name
        assert str(error) == REASONS.get(name, str(error))
        assert "Error" not in str(error) and "Exception" not in str(error), name


@each(
    ("body", "errmsg"),
    [
        (b'{"errcode": 40013, "errmsg": "invalid\tappid\nrid: 1-2"}', "invalid\tappid\nrid: 1-2"),
        (b'\xef\xbb\xbf{"errcode": 40013, "errmsg": "a BOM"}', "a BOM"),
        (b'{"errcode": 40013, "errmsg": "cut within a character: \xe5\xbc"}', "cut within"),
    ],
)
def test_a_refusal_stays_legible_whatever_its_type_and_characters(
    serve: Serve, body: bytes, errmsg: str
) -> None:
    server = serve()
    server.play(sends(http(body, "Content-Type: text/plain")))
    answer = call(to(server.url))
    assert answer.get("errcode") == 40013 and answer.get("errmsg").startswith(errmsg)


@each("errcode", [b'"errcode": 0, ', b"", b'"errcode": "94005", ', b'"errcode": true, '])
def test_a_byte_that_is_not_utf_8_makes_no_success(serve: Serve, errcode: bytes) -> None:
    server = serve()
    server.play(sends(http(b"{" + errcode + b'"errmsg": "ok\xff", "verify_ret": 10000}')))
    assert str(fault(to(server.url))) == "not UTF-8"


def test_a_token_is_not_sent_twice_after_a_reset_of_a_fresh_connection(server: StandIn) -> None:
    server.greetings.append(stand_ins.resets_unread)
    assert fault(to(server.url)).sent
    assert server.connections == 1


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
UNKIND = FAULTS | {
    "twice at once": sends(STOLEN + STOLEN),
    "twice, cut": sends(STOLEN + STOLEN[:-9]),
    "twice in one TLS record": sends(STOLEN + b"x" * 8192 + STOLEN),
    "a line too many": sends(STOLEN + b"\r\n"),
    "too short a length": sends(http(b'{"stolen":1}' * 2, length=12)),
    **{
        f"again after {ms} ms": sends(STOLEN, STOLEN, pause=ms / 1000)
        for ms in (2, 3, 5, 10, 15, 20, 30, 50)
    },
}
FILLED = MINE.replace(b"\r\n\r\n", b"\r\nX-Fill: " + b"x" * (8192 - len(MINE) - 10) + b"\r\n\r\n")


@pytest.mark.parametrize(
    "parts",
    [
        (MINE + STOLEN,),
        (MINE, STOLEN),
        (MINE, STOLEN[:9]),
        (MINE + b"\r\n",),
        (MINE + b"x" * (8192 - len(MINE)) + STOLEN,),  # in one TLS record, beyond one read
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


@pytest.mark.parametrize("pause", [0, 0.003, 0.03])  # seconds between the two citizens
def test_no_citizen_gets_what_was_meant_for_another(server: StandIn, pause: float) -> None:
    transport = to(server.url)
    for name, unkind in UNKIND.items():
        server.play(unkind, says({"mine": 1}))
        with suppress(NoAnswer):
            call(transport, patience(name), fresh=True)
        time.sleep(pause)
        assert call(transport, fresh=True).get("mine") == 1, name


def test_each_citizen_has_a_connection_of_his_own_with_the_tls_session_resumed(
    serve: Serve,
) -> None:
    server = serve(tls=True)
    server.always(OK)
    transport = to(server.url)
    assert [call(transport, fresh=True).get("errcode") for _ in range(5)] == [0] * 5
    assert server.connections == len(set(server.ports)) == 5
    assert {seen.headers["connection"] for seen in server.requests} == {"close"}
    assert server.resumed == [False, True, True, True, True]


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
    server.always(says({}, Set_Cookie="citizen=1; Path=/"))
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
