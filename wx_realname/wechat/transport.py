"""HTTP to WeChat over one `requests.Session`: what was sent is known, and no secret is ever seen.

Three things here are unusual, each for a reason:

* The query, which carries the access_token or the app secret, is added to the request line on the
  connection itself. The URL that requests and urllib3 know has none, so neither their logs nor
  their exceptions nor a traceback's local variables can show it.
* Whether anything was sent is noted on the connection when it happens, not guessed from the type
  of an exception: a token must not be sent twice.
* WeChat's answer has nothing that ties it to the request. A connection is used again only when its
  last answer was vouched for and it wasn't idle for long, so that no citizen can be handed what
  was left in the socket for another.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util import Timeout, parse_url
from urllib3.util.connection import create_connection

from .. import metrics
from ..personal_data import Secret
from .reading import (
    Answer,
    Deadline,
    DeadlineSocket,
    Query,
    RawAnswer,
    Unintelligible,
    call,
    parse,
)

logger = logging.getLogger(__name__)

MAX_IDLE = 15.0  # seconds
HEADERS = {
    "User-Agent": "django-wx-realname",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
POOL_SIZE = 256  # as large as the threads of any server; an unused place costs nothing

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Payload = Mapping[str, "str | int | bool | Secret | Mapping[str, str | Secret]"]


class NoAnswer(Exception):
    """No intelligible answer came. `sent` says whether the request may have reached WeChat."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class _Connection(HTTPConnection):
    """Adds the query to the request line, notes what was sent, and is trusted once per vouching."""

    _method = ""
    _requests = 0
    _vouched = 0
    _last_used = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use this connection again."""
        sock: Any = self.sock
        trusted = self._vouched == self._requests
        fresh = time.monotonic() - self._last_used < MAX_IDLE
        return trusted and fresh and super().is_connected and not sock.holds_more

    def connect(self) -> None:
        super().connect()
        self.sock = DeadlineSocket(self.sock)

    def _new_conn(self) -> socket.socket:
        """As urllib3's, but all addresses of the host share the deadline, and so does TLS."""
        for *_, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
            where = (str(address[0]), self.port)
            try:
                sock = create_connection(
                    where, self._patience(), self.source_address, self.socket_options
                )
            except OSError:
                continue
            sock.settimeout(self._patience())
            return sock
        raise NewConnectionError(self, "no address answered")

    def _patience(self) -> float:
        """Seconds for the next step of connecting; a socket takes 0 for something else."""
        return max(0.001, min(float(self.timeout or 0), call.deadline.remaining()))

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any
    ) -> None:
        """As urllib3's, but head and body in one write, from headers that are all our own.

        A third of the time, and one packet instead of two.
        """
        if self.sock is None:
            self.connect()
        query = {name: _plain(value) for name, value in call.query.items()}
        lines = [
            f"{method} {url}?{urlencode(query)} HTTP/1.1" if query else f"{method} {url} HTTP/1.1"
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")
        self._method = method
        self._requests += 1
        call.sent = True
        self.sock.settimeout(self._patience())
        self.sock.sendall(data)

    def getresponse(self) -> RawAnswer:  # type: ignore[override]  # the pool asks for no more
        answer = RawAnswer(self.sock, method=self._method)
        try:
            answer.begin()
        except BaseException:
            answer.close()
            raise
        if answer.will_close:
            self.close()  # the answer keeps the socket until it is read
        return answer

    def vouch(self) -> None:
        """The last answer was whole and understood."""
        self._vouched = self._requests
        self._last_used = time.monotonic()


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # type: ignore[assignment]


@dataclass(frozen=True)
class _Way:
    """How a URL is reached: the pool, the URL as it is written to it, the headers of every request."""

    pool: HTTPConnectionPool
    url: str
    headers: dict[str, str]


class _Response(requests.Response):
    """Undecoded, and without the cookie jar that each of requests' own is given."""

    def __init__(self, raw: RawAnswer) -> None:
        self.status_code, self.raw = raw.status, raw


class _Adapter(HTTPAdapter):
    """Does once what requests' own adapter does for each call, though it is the same for all.

    Finding the pool, looking at the CA bundle's file, choosing the proxy, and making a response with
    cookies and encoding cost as much as the request's way through urllib3.
    """

    def __init__(self, environment: Mapping[str, Any]) -> None:
        self._environment = environment
        self._ways: dict[str, _Way] = {}  # by URL, which has no query
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager

    def send(
        self, request: requests.PreparedRequest, *args: Any, timeout: Any = None, **kwargs: Any
    ) -> requests.Response:
        way = self._ways.get(str(request.url)) or self._found(request)
        raw = way.pool.urlopen(
            str(request.method),
            way.url,
            body=request.body,
            headers={**way.headers, **request.headers},
            retries=self.max_retries,
            timeout=timeout,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        return _Response(cast(RawAnswer, raw))

    def _found(self, request: requests.PreparedRequest) -> _Way:
        """With the environment's proxy and CA bundle."""
        proxies, verify, url = *map(self._environment.get, ("proxies", "verify")), str(request.url)
        pool = self.get_connection_with_tls_context(request, verify, proxies)
        self.cert_verify(pool, url, verify, None)  # type: ignore[no-untyped-call]
        headers = {"Host": parse_url(url).netloc or "", **HEADERS}
        way = self._ways[url] = _Way(
            cast(HTTPConnectionPool, pool), self.request_url(request, proxies), headers
        )
        return way


class _Session(requests.Session):
    """Of the environment it was made in: REQUESTS_CA_BUNDLE, and proxies, which are read once."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        adapter = _Adapter(self.merge_environment_settings(base_url, {}, True, True, None))
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Follows no redirect, keeps no cookie and runs no hook."""
        return self.get_adapter(str(request.url)).send(request, **kwargs)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(of) for name, of in value.items()}
    return value.reveal() if isinstance(value, Secret) else value


def _body(payload: Payload) -> bytes:
    fields = {name: _plain(value) for name, value in payload.items()}
    return _as_json(fields).encode()


class Transport:
    """Calls to one API_BASE_URL; made after the fork, shared by the process's threads."""

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float) -> None:
        self._base_url = base_url
        self._read_timeout = read_timeout
        self._timeout = Timeout(connect_timeout, read_timeout)  # the deadline cuts them shorter
        self._session = _Session(base_url)

    def call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        query: Query | None = None,
        payload: Payload | None = None,
    ) -> Answer:
        """One request, one JSON object. Raises `NoAnswer`; closes the connection on any fault."""
        remaining = deadline.remaining()
        if not remaining:
            raise NoAnswer("the deadline is over", sent=False)
        call.begin(query or {}, deadline, self._read_timeout)
        fault = ""
        try:
            answer = self._answer(self._prepare(method, path, payload))
        except Unintelligible as unintelligible:
            fault = str(unintelligible)
        except (
            Exception
        ) as error:  # whatever went wrong below: its text and its frames may hold secrets
            fault = type(error).__name__
        finally:
            call.query = {}
        metrics.wechat_asked(path, remaining - deadline.remaining())
        if fault:
            logger.warning("%s: %s (%s)", path, fault, "sent" if call.sent else "not sent")
            raise NoAnswer(fault, sent=call.sent)
        return answer

    def server_time(self, deadline: Deadline) -> datetime | None:
        """WeChat's clock, from the Date header of an answer to nothing; None when it can't be told."""
        call.begin({}, deadline, self._read_timeout)
        try:
            prepared = self._prepare("GET", "/cgi-bin/token", None)
            raw = cast(RawAnswer, self._session.send(prepared, timeout=self._timeout).raw)
            raw.release(trusted=False)
            return parsedate_to_datetime(raw.headers["date"]).replace(tzinfo=timezone.utc)
        except Exception as error:
            logger.warning("WeChat's clock is unknown (%s)", type(error).__name__)
            return None

    def _prepare(self, method: str, path: str, payload: Payload | None) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = method, self._base_url + path
        prepared.headers = requests.structures.CaseInsensitiveDict()
        if payload is not None:
            prepared.body = _body(payload)
            prepared.headers["Content-Type"] = "application/json"
            prepared.headers["Content-Length"] = str(len(prepared.body))
        return prepared

    def _answer(self, prepared: requests.PreparedRequest) -> Answer:
        raw = cast(RawAnswer, self._session.send(prepared, timeout=self._timeout).raw)
        try:
            answer = parse(raw)
        except BaseException:
            raw.release(trusted=False)
            raise
        raw.release(trusted=True)
        return answer
