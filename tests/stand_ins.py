"""A server on a raw socket that answers as it is told, wrongly above all, and records what came.

A behaviour gets the socket and the request, and tells whether the connection goes on.
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

ANY = "*"


@dataclass(frozen=True)
class Seen:
    """A request as it came; `port` is the client's, so equal ports mean one connection."""

    method: str
    target: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    port: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.target.partition("?")[2]).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[socket.socket, Seen], bool]
Greeting = Callable[[socket.socket], bool]

# --- behaviours -------------------------------------------------------------------------------


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer; `length` is what Content-Length claims."""
    length = len(body) if length is None else length
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {length}", *headers])
    return head.encode("latin-1") + b"\r\n\r\n" + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """An HTTP answer without a length; `end` closes it."""
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def sends(*parts: bytes, pause: float = 0.0, close: bool = False) -> Behaviour:
    """Sends the parts, the pause in seconds between them; then the connection is kept or closed."""

    def behave(sock: socket.socket, seen: Seen) -> bool:
        for index, part in enumerate(parts):
            time.sleep(pause if index else 0)
            sock.sendall(part)
        return not close

    return behave


def says(answer: Any, status: int = 200, **headers: str) -> Behaviour:
    """Sends these bytes, or this as JSON; a header's name is given with underscores."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]

    def behave(sock: socket.socket, seen: Seen) -> bool:
        date = f"Date: {formatdate(usegmt=True)}"
        sock.sendall(http(body, date, *lines, status=f"{status} {HTTPStatus(status).phrase}"))
        return True

    return behave


def pours(head: bytes, endless: bytes, pause: float = 0.0) -> Behaviour:
    """Sends the head, then the same over and over until the client hangs up."""

    def behave(sock: socket.socket, seen: Seen) -> bool:
        sock.sendall(head)
        while True:
            time.sleep(pause)
            sock.sendall(endless)

    return behave


def drips(data: bytes, pause: float) -> Behaviour:
    """Sends one byte at a time."""
    return sends(*(data[at : at + 1] for at in range(len(data))), pause=pause)


def hangs(sock: socket.socket, seen: Seen | None = None) -> bool:
    """Says nothing, and waits for the client to hang up. A greeting, too."""
    while sock.recv(4096):
        pass
    return False


def resets(*parts: bytes) -> Behaviour:
    """Sends the parts, then RST instead of FIN."""

    def behave(sock: socket.socket, seen: Seen) -> bool:
        for part in parts:
            sock.sendall(part)
            time.sleep(0.02)  # a reset overtakes what the client hasn't read
        return _reset(sock)

    return behave


def resets_unread(sock: socket.socket) -> bool:
    """A greeting: resets as soon as the request has arrived, none of it read."""
    select.select([sock], [], [], 5)
    return _reset(sock)


def tunnels(port: int) -> Behaviour:
    """A proxy's answer to CONNECT: whatever host was asked for is at that port here."""

    def behave(sock: socket.socket, seen: Seen) -> bool:
        with socket.create_connection(("127.0.0.1", port)) as other:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(sock, other)
        return False

    return behave


def relay(one: socket.socket, other: socket.socket) -> None:
    """Passes on what comes from either, until one of them hangs up."""
    ends = {one: other, other: one}
    while True:
        for sock in select.select(list(ends), [], [])[0]:
            data = sock.recv(4096)
            if not data:
                return
            ends[sock].sendall(data)


def speaks_socks(port: int, user: bytes = b"", password: bytes = b"") -> Greeting:
    """A SOCKS 5 proxy (RFC 1928, 1929): whatever host was asked for is at that port here."""

    def greet(sock: socket.socket) -> bool:
        def read(count: int) -> bytes:
            return sock.recv(count, socket.MSG_WAITALL)

        read(read(2)[1])
        sock.sendall(b"\x05\x02" if user else b"\x05\x00")
        if user:
            read(1)
            given = [read(read(1)[0]) for _ in range(2)]
            sock.sendall(b"\x01\x00" if given == [user, password] else b"\x01\x01")
        kind = (read(4) or b"    ")[3]
        if kind not in (1, 3):
            return False
        read((4 if kind == 1 else read(1)[0]) + 2)
        with socket.create_connection(("127.0.0.1", port)) as other:
            sock.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            relay(sock, other)
        return False

    return greet


def _reset(sock: socket.socket) -> bool:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


# --- faults -----------------------------------------------------------------------------------


def faults(echo: bytes, limit: int) -> dict[str, Behaviour]:
    """Every way in which an answer can be none. `echo`, a JSON object, is quoted wherever it fits."""
    large = b'{"a":"' + b"x" * limit + b'"}'
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere?%b\r\nContent-Length: 99999999\r\n\r\n"
    return {
        "502, a page": sends(http(b"<html>" + echo, status="502 Bad Gateway")),
        "201": sends(http(echo, status="201 Created")),
        "a redirect with an endless body": pours(redirect % echo, echo),
        "a redirect to nowhere": sends(http(b"", "Location: http://[", status="301 Moved")),
        "a page": sends(http(b"<html>" + echo)),
        "cut JSON": sends(http(echo[:-1])),
        "a cut body": sends(http(echo[:-5], length=len(echo)), close=True),
        "a cut body that is JSON": sends(http(echo, length=len(echo) + 9), close=True),
        "a body cut by a reset": resets(http(echo[:-5], length=len(echo))),
        "a cut chunk": sends(CHUNKED + b"fff\r\n" + echo, close=True),
        "chunks without an end": sends(chunked(echo, end=b""), close=True),
        "a chunk of no size": sends(CHUNKED + echo, close=True),
        "empty": sends(http(b"")),
        "a list": sends(http(b"[" + echo + b"]")),
        "a string": sends(http(json.dumps(echo.decode()).encode())),
        "a number": sends(http(b"94005")),
        "not UTF-8": sends(http(b'{"name": "\xc5\xb7\xd1\xf4"}' + echo)),
        "deep lists": sends(http(b"[" * (limit - 999) + echo)),
        "deep objects": sends(http(b'{"a":' * (limit // 6) + echo)),
        "100,000 brackets": sends(http(b"[" * 100_000)),
        "a number of 60,000 digits": sends(http(b'{"errcode": ' + b"9" * 60_000 + b"}")),
        "too large": sends(http(large)),
        "too large, no length": sends(b"HTTP/1.1 200 OK\r\n\r\n" + large, close=True),
        "endless": pours(b"HTTP/1.1 200 OK\r\n\r\n" + echo, b" " * 8192),
        "endless chunks": pours(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"),
        "endless heads": pours(b"HTTP/1.1 200 OK\r\n", b"X-Echo: " + echo + b"\r\n"),
        "no head": sends(b"HTTP/1.1 200 OK\r\n{\r\n" + echo + b"\r\n\r\n", close=True),
        "a gzip bomb": sends(http(gzip.compress(b" " * 20_000_000), "Content-Encoding: gzip")),
        "a gzip answer": sends(http(gzip.compress(echo), "Content-Encoding: gzip")),
        "a length that isn't one": sends(http(echo).replace(b"h: ", b"h: x"), close=True),
        "two lengths": sends(http(echo, f"Content-Length: {len(echo) - 1}"), close=True),
        "reset": resets(),
        "reset within the head": resets(b"HTTP/1.1 200 OK\r\nContent-"),
        "closed without an answer": sends(close=True),
        "a garbage status line": sends(echo + b"\r\n\r\n", close=True),
        "a status that isn't a number": sends(b"HTTP/1.1 abc " + echo + b"\r\n\r\n", close=True),
    }


def unending_faults(echo: bytes) -> dict[str, Behaviour]:
    """Faults that only a deadline ends."""
    return {
        "nothing at all": hangs,
        "a drip of a head": drips(b"HTTP/1.1 200 OK\r\nX: " + echo, 0.05),
        "a drip of a body": drips(http(echo), 0.05),
        "a drip of chunks": pours(CHUNKED, b"1\r\n \r\n", 0.05),
        "a chunk of less than nothing": pours(CHUNKED + b"-1\r\n", b" " * 65_536),
        "100 Continue for ever": pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    }


# --- the server -------------------------------------------------------------------------------


class StandIn:
    """The server. `tls` makes it speak TLS; `greetings` meet new connections before any request."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.resumed: list[bool] = []  # of each TLS connection: whether it resumed a session
        self.pause = 0.0  # seconds before each answer
        self.greetings: deque[Greeting] = deque()
        self._tls = tls
        self._plays: dict[str, deque[Behaviour]] = defaultdict(deque)
        self._always: dict[str, Behaviour] = {}
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"

    @property
    def ports(self) -> list[int]:
        """The client's port of each request."""
        return [seen.port for seen in self.requests]

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.requests]

    def play(self, *behaviours: Behaviour, path: str = ANY) -> None:
        """Behaviours for the next requests (of that path), one each."""
        self._plays[path].extend(behaviours)

    def always(self, behaviour: Behaviour, path: str = ANY) -> None:
        """The behaviour for all requests (of that path) that have none of their own."""
        self._always[path] = behaviour

    def __enter__(self) -> StandIn:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                sock, address = self._listener.accept()
                self.connections += 1
                self._start(self._serve, sock, address[1])

    def _serve(self, sock: socket.socket, port: int) -> None:
        # OSError: the client hung up, or didn't like the certificate.
        with suppress(OSError), self._secured(sock) as secured:
            self._open.append(secured)
            if not self.greetings or self.greetings.popleft()(secured):
                self._converse(secured, port)

    def _secured(self, sock: socket.socket) -> socket.socket:
        if self._tls is None:
            return sock
        secured = self._tls.wrap_socket(sock, server_side=True)
        self.resumed.append(bool(secured.session_reused))
        return secured

    def _converse(self, sock: socket.socket, port: int) -> None:
        with sock.makefile("rb") as reader:
            while (seen := _read(reader, port)) is not None:
                with self._lock:
                    self.requests.append(seen)
                    behaviour = self._next(seen.path)
                time.sleep(self.pause)
                if not behaviour(sock, seen):
                    return

    def _next(self, path: str) -> Behaviour:
        for name in (path, ANY):
            if self._plays[name]:
                return self._plays[name].popleft()
        return self._always.get(path) or self._always.get(ANY) or sends(close=True)


def _read(reader: Any, port: int) -> Seen | None:
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3 or not line[2].startswith("HTTP/"):  # TLS's first words may hold a newline
        return None
    headers = {}
    while (header := reader.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Seen(line[0], line[1], headers, body, port)
