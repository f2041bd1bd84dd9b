"""HTTP to WeChat over one `requests.Session`: what was sent is known, and no secret is ever shown.

Three things here are unusual, each for a reason:

* The query carries the access_token or the app secret. It isn't part of the request's URL, and is
  added to the request line only when that is sent: no log, exception or traceback can show it.
* Whether anything was sent is noted when it is sent, not guessed from the type of an exception:
  a token must not be sent twice.
* WeChat's answer has nothing that ties it to the request. A call about a citizen therefore has a
  connection of its own (`fresh`), with the TLS session resumed. Other calls use a connection again
  if its last answer was understood, it wasn't idle for long, and nothing lies in it.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate
from http.client import HTTPResponse
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import requests
from requests.adapters import BaseAdapter

from .. import signals
from ..personal_data import Secret
from .per_process import PerProcess
from .reading import Answer, Deadline, Fault, Patience, Wire, describe, parse, read_head
from .route import Route

logger = logging.getLogger(__name__)

MAX_IDLE = 15.0  # seconds
HEADERS = {
    "User-Agent": "django-wx-realname",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

T = TypeVar("T")
Query = Mapping[str, "str | Secret"]
Payload = Mapping[str, "str | int | bool | Secret | Mapping[str, str | Secret]"]


class NoAnswer(Exception):
    """No intelligible answer came. `sent` reports whether the request may have reached WeChat."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class _Request(requests.PreparedRequest):
    """One call: the request, how long it may take, and whether it was sent."""

    def __init__(
        self,
        method: str,
        url: str,
        path: str,
        query: Query | None = None,
        payload: Payload | None = None,
        fresh: bool = True,
    ) -> None:
        self.method, self.url, self.path = method, url, path
        self.query, self.payload, self.fresh = query or {}, payload, fresh
        self.sent = False

    def encode(self, prefix: str, head: str) -> bytes:
        """The whole request, so that head and body are one write and one packet."""
        query = f"?{urlencode(_reveal(self.query))}" if self.query else ""
        lines = f"{self.method} {prefix}{self.path}{query} HTTP/1.1\r\n{head}"
        if self.fresh:
            lines += "Connection: close\r\n"
        if self.payload is None:
            return f"{lines}\r\n".encode("ascii")
        body = _as_json(_reveal(self.payload)).encode()
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return lines.encode("ascii") + body


class _Response(requests.Response):
    """An answer whose body is still to be read from the socket.

    `requests.Response.__init__` isn't called: it makes a cookie jar for each answer.
    """

    raw: HTTPResponse

    def __init__(self, raw: HTTPResponse, sock: socket.socket, wire: Wire) -> None:
        self.status_code, self.raw = raw.status, raw
        self.sock: socket.socket | None = sock
        self.wire = wire

    def close(self) -> None:
        """Close the connection, unless the adapter kept it."""
        self.raw.close()
        if self.sock is not None:
            self.sock.close()


class _Adapter(BaseAdapter):
    """Sends requests by a `Route`, and keeps one connection for requests that don't need a fresh one."""

    def __init__(self, route: Route) -> None:
        super().__init__()
        self._route = route
        self._head = "".join(
            f"{name}: {text}\r\n" for name, text in (route.headers | HEADERS).items()
        )
        self._kept: deque[tuple[socket.socket, float]] = deque()  # at most one
        weakref.finalize(self, _close_all, self._kept)

    def send(self, request: Any, *args: Any, timeout: Any = None, **kwargs: Any) -> _Response:
        """`timeout` is a `Patience`."""
        sock = None if request.fresh else self._reuse()
        sock = sock or self._route.open(timeout)
        try:
            data = request.encode(self._route.prefix, self._head)
            sock.settimeout(timeout.reading())  # raises when the deadline is over
            request.sent = True
            sock.sendall(data)
            wire = Wire(sock, timeout)
            return _Response(read_head(wire, request.method), sock, wire)
        except BaseException:
            sock.close()
            raise

    def keep(self, request: _Request, response: _Response) -> None:
        """Keep an understood answer's TLS session, and its connection if that is allowed."""
        response.raw.close()
        sock, ended = response.sock, response.raw.will_close or response.wire.overfull
        if sock is None or request.fresh or ended or self._kept:
            self._route.remember(sock)
        else:
            self._kept.append((sock, time.monotonic()))
            response.sock = None

    def _reuse(self) -> socket.socket | None:
        try:
            sock, since = self._kept.pop()
        except IndexError:
            return None
        if time.monotonic() - since < MAX_IDLE and _is_quiet(sock):
            return sock
        sock.close()
        return None

    def close(self) -> None:
        _close_all(self._kept)


def _close_all(kept: deque[tuple[socket.socket, float]]) -> None:
    while kept:
        kept.pop()[0].close()


def _is_quiet(sock: socket.socket) -> bool:
    """Whether nothing can be read: neither an answer nor the connection's end."""
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


class _Session(requests.Session):
    """A session whose CA bundle and proxies are read once, from the environment."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        environment = self.merge_environment_settings(base_url, {}, True, True, None)
        self.adapter = _Adapter(Route(base_url, environment))
        self.mount("https://", self.adapter)
        self.mount("http://", self.adapter)

    def send(self, request: Any, **kwargs: Any) -> _Response:
        """Follows no redirect, keeps no cookie and runs no hook."""
        return cast(_Response, self.get_adapter(request.url).send(request, **kwargs))


def _reveal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _reveal(part) for name, part in value.items()}
    return value.reveal() if isinstance(value, Secret) else value


class Transport:
    """Calls to one API_BASE_URL, shared by a process's threads; a forked process begins anew."""

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float) -> None:
        self._base_url = base_url
        self._timeouts = (connect_timeout, read_timeout)
        self._session = PerProcess(lambda: _Session(base_url))

    def call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        query: Query | None = None,
        payload: Payload | None = None,
        fresh: bool = True,
    ) -> Answer:
        """One request, one JSON object. Raises `NoAnswer`; closes the connection on any fault.

        `fresh`: on a connection of its own, which is closed afterwards.
        """
        request = _Request(method, self._base_url, path, query, payload, fresh)
        remaining = deadline.remaining()
        try:
            return self._exchange(request, deadline, parse)
        finally:
            seconds = remaining - deadline.remaining()
            signals.wechat_asked.send_robust(sender=None, call=path, seconds=seconds)

    def server_time(self, deadline: Deadline) -> datetime:
        """WeChat's clock, from the Date header of the answer to an empty request. Raises `NoAnswer`."""
        request = _Request("GET", self._base_url, "/cgi-bin/token")
        return self._exchange(request, deadline, _read_date)

    def _exchange(
        self, request: _Request, deadline: Deadline, read: Callable[[HTTPResponse], T]
    ) -> T:
        """The result of `read` for the answer. Raises `NoAnswer`, without the frames of the error."""
        try:
            session = self._session()
            patience = Patience(*self._timeouts, deadline)
            with session.send(request, timeout=patience) as response:
                answer = read(response.raw)
                session.adapter.keep(request, response)
            return answer
        except Exception as error:  # its message and its frames may hold secrets
            fault = describe(error)
        logger.warning("%s: %s (%s)", request.path, fault, "sent" if request.sent else "not sent")
        raise NoAnswer(fault, sent=request.sent)


def _read_date(answer: HTTPResponse) -> datetime:
    date = parsedate(answer.headers.get("Date"))
    if date is not None:
        with suppress(ValueError):  # no moment, such as a 61st second
            return datetime(*date[:6], tzinfo=timezone.utc)
    raise Fault("an answer without a date")


def environment_fault(base_url: str) -> str:
    """Why the environment's proxy or CA bundle can't be used; "" when they can."""
    try:
        _Session(base_url)
    except Fault as fault:
        return str(fault)
    return ""
