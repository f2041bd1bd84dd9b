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

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from ..personal_data import Secret

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 64 * 1024
MAX_IDLE = 15.0  # seconds
POOL_SIZE = 256  # as large as the threads of any server; an unused place costs nothing

Query = Mapping[str, "str | Secret"]
Payload = Mapping[str, "str | int | bool | Secret"]


class NoAnswer(Exception):
    """No intelligible answer came. `sent` says whether the request may have reached WeChat."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Deadline:
    """One span of time over every step and try of a call."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._at - time.monotonic())


class Answer:
    """A JSON object from WeChat; its repr shows nothing, for it may hold an access_token."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def get(self, name: str) -> Any:
        return self._fields.get(name)

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None


class _Call(threading.local):
    """What the calling thread is sending, for the connection that urllib3 chooses."""

    query: Query = {}
    deadline: Deadline = Deadline(0)
    read_timeout: float = 0
    sent: bool = False
    connection: _Connection | None = None
    number: int = 0

    def begin(self, query: Query, deadline: Deadline, read_timeout: float) -> None:
        self.query, self.deadline, self.read_timeout = query, deadline, read_timeout
        self.sent, self.connection = False, None


_call = _Call()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket; each wait ends at the read time-out or the call's deadline, whichever is first.

    A time-out for each read alone would let an answer drip for hours.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return 0
        remaining = _call.deadline.remaining()
        if not remaining:
            raise TimeoutError("the deadline is over")
        self._sock.settimeout(min(_call.read_timeout, remaining))
        return int(self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _AnswerReader(io.BufferedReader):
    """Reads one answer, and notes on the socket when more than that had come."""

    def __init__(self, sock: _DeadlineSocket, raw: _DeadlineReader) -> None:
        super().__init__(raw)
        self._sock = sock
        self._reader = raw

    def close(self) -> None:
        if not self.closed:
            self._reader.ended = True  # look at what is in the buffer, and wait for nothing
            self._sock.overfull = self._sock.overfull or bool(self.peek(1))
        super().close()


class _DeadlineSocket:
    """A socket whose file reads keep to the deadline; everything else is the socket's own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.overfull = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, mode: str, *args: Any, **kwargs: Any) -> io.BufferedReader:
        return _AnswerReader(self, _DeadlineReader(self._sock))

    @property
    def holds_more(self) -> bool:
        """Whether bytes came beyond the answer; those that TLS has decrypted no poll can see."""
        return self.overfull or bool(getattr(self._sock, "pending", int)())


class _Response(HTTPResponse):
    """Refuses a malformed head: urllib3 would log its words, which may be those of the answer."""

    def begin(self) -> None:
        super().begin()
        if self.msg.defects or self.msg.get_payload():
            raise HTTPException("malformed head")


class _Connection(HTTPConnection):
    """Adds the query to the request line, notes what was sent, and is trusted once per vouching."""

    response_class = _Response
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
        self.sock = _DeadlineSocket(self.sock)

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
        return max(0.001, min(float(self.timeout or 0), _call.deadline.remaining()))

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self._requests += 1
        _call.sent, _call.connection, _call.number = True, self, self._requests
        super().request(*args, **kwargs)

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        query = {name: _plain(value) for name, value in _call.query.items()}
        super().putrequest(method, f"{url}?{urlencode(query)}" if query else url, *args, **kwargs)

    def vouch(self, number: int) -> None:
        """The answer to that request was whole and understood.

        By number, for the pool may already have lent the connection to another thread.
        """
        self._vouched = number
        self._last_used = time.monotonic()


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: a redirect isn't followed, nor is its body read to look for the next address."""
        return


def _session() -> requests.Session:
    session = _Session()
    adapter = _Adapter(pool_connections=1, pool_maxsize=POOL_SIZE, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _plain(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _body(payload: Payload) -> bytes:
    fields = {name: _plain(value) for name, value in payload.items()}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Transport:
    """Calls to one API_BASE_URL; made after the fork, shared by the process's threads."""

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float) -> None:
        self._base_url = base_url
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._session = _session()
        # Read once: merging the environment's proxies costs more than the rest of a request. `verify` goes
        # with each call, since REQUESTS_CA_BUNDLE would override the session's own.
        self._environment = self._session.merge_environment_settings(base_url, {}, True, True, None)

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
        _call.begin(query or {}, deadline, self._read_timeout)
        fault = ""
        try:
            answer = self._answer(self._prepare(method, path, payload), remaining)
        except _Unintelligible as unintelligible:
            fault = str(unintelligible)
        except (
            Exception
        ) as error:  # whatever went wrong below: its text and its frames may hold secrets
            fault = type(error).__name__
        finally:
            _call.query = {}
        if fault:
            logger.warning("%s: %s (%s)", path, fault, "sent" if _call.sent else "not sent")
            raise NoAnswer(fault, sent=_call.sent)
        if _call.connection is not None:
            _call.connection.vouch(_call.number)
        return answer

    def _prepare(self, method: str, path: str, payload: Payload | None) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = method, self._base_url + path
        prepared.headers = requests.structures.CaseInsensitiveDict(
            {"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        prepared.hooks = requests.hooks.default_hooks()
        if payload is not None:
            prepared.body = _body(payload)
            prepared.headers["Content-Type"] = "application/json"
            prepared.headers["Content-Length"] = str(len(prepared.body))
        return prepared

    def _answer(self, prepared: requests.PreparedRequest, remaining: float) -> Answer:
        timeouts = (min(self._connect_timeout, remaining), min(self._read_timeout, remaining))
        response = self._session.send(
            prepared, stream=True, timeout=timeouts, allow_redirects=False, **self._for_send()
        )
        try:
            return _parse(response)
        except BaseException:
            response.close()
            raise

    def _for_send(self) -> dict[str, Any]:
        return {name: self._environment[name] for name in ("proxies", "verify", "cert")}


class _Unintelligible(Exception):
    pass


def _parse(response: requests.Response) -> Answer:
    if response.status_code != 200:
        raise _Unintelligible(f"HTTP status {response.status_code}")
    if int(response.headers.get("Content-Length") or 0) > MAX_ANSWER_BYTES:
        raise _Unintelligible(f"more than {MAX_ANSWER_BYTES} bytes")
    # Undecoded, so that a compressed answer can't grow: we ask for none.
    body = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=False)
    if len(body) > MAX_ANSWER_BYTES:
        raise _Unintelligible(f"more than {MAX_ANSWER_BYTES} bytes")
    if response.raw.length_remaining:  # read(n) leaves it to the caller to notice
        raise _Unintelligible("cut short")
    fields = json.loads(body.decode())
    if not isinstance(fields, dict):
        raise _Unintelligible("not a JSON object")
    return Answer(fields)
