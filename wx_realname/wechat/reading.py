"""Reading one answer from a socket, within the call's deadline, noting what came beyond it; and as JSON."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse, UnknownProtocol
from typing import Any

from ..personal_data import Secret

Query = Mapping[str, "str | Secret"]

_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\x00]*)\r?\n")
_ONE_LINE = 8 * 1024  # bytes
_LINES = 100
MAX_ANSWER_BYTES = 64 * 1024


class Deadline:
    """One span of time over every step and try of a call."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._at - time.monotonic())


class Call(threading.local):
    """What the calling thread is sending, for the connection that urllib3 chooses."""

    query: Query = {}
    deadline: Deadline = Deadline(0)
    read_timeout: float = 0
    sent: bool = False

    def begin(self, query: Query, deadline: Deadline, read_timeout: float) -> None:
        self.query, self.deadline, self.read_timeout = query, deadline, read_timeout
        self.sent = False


call = Call()


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
        remaining = call.deadline.remaining()
        if not remaining:
            raise TimeoutError("the deadline is over")
        self._sock.settimeout(min(call.read_timeout, remaining))
        return int(self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _AnswerReader(io.BufferedReader):
    """Reads one answer, and notes on the socket when more than that had come."""

    def __init__(self, sock: DeadlineSocket, raw: _DeadlineReader) -> None:
        super().__init__(raw)
        self._sock = sock
        self._reader = raw

    def close(self) -> None:
        if not self.closed:
            self._reader.ended = True  # look at what is in the buffer, and wait for nothing
            self._sock.overfull = self._sock.overfull or bool(self.peek(1))
        super().close()


class DeadlineSocket:
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


class Headers(dict[str, str]):
    """The head's fields by their names in lower case. WeChat's answers repeat none that matters."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class RawAnswer(HTTPResponse):
    """An answer whose head is split here: the e-mail parser of the standard library takes four times as long.

    It refuses a malformed head, where urllib3 would log its words, which may be those of the answer.
    urllib3's pool takes it as it is, without its own response around it, and sets the attributes below.
    """

    version_string = "HTTP/1.1"
    retries: Any = None
    _pool: Any = None
    _connection: Any = None

    @property
    def length_remaining(self) -> int | None:
        """Bytes that are missing; None where chunks, or the connection's end, tell."""
        return self.length

    def release(self, *, trusted: bool) -> None:
        """Give the connection back to the pool; closed, unless the answer was whole and understood.

        Only then: a pool lends at once, and what is lent must not be closed by who had it before.
        """
        self.close()
        if trusted:
            self._connection.vouch()
        else:
            self._connection.close()
        self._pool._put_conn(self._connection)

    def begin(self) -> None:
        self.status = 100
        while self.status == 100:
            version, self.status, self.reason = self._read_status()  # type: ignore[attr-defined]
            headers = _headers(self.fp)
        if not version.startswith("HTTP/1."):
            raise UnknownProtocol(version)
        self.code, self.version = self.status, 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = headers  # type: ignore[assignment]
        self._frame(headers)

    def _read_next_chunk_size(self) -> int:
        """As http.client's, which takes "-1" for a size, and reads what comes until nothing does."""
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise HTTPException("a chunk of less than nothing")
        return size

    def _frame(self, headers: Headers) -> None:
        """Where the body ends, and whether the connection ends with it (RFC 9112 §6.3)."""
        self.chunked, self.chunk_left = "transfer-encoding" in headers, None
        if self.chunked and headers["transfer-encoding"].lower() != "chunked":
            raise HTTPException("a transfer coding that nobody asked for")
        self.length = None if self.chunked else _length(headers)
        if self.status in (204, 304) or self.status < 200:
            self.length = 0
        kept = self.version == 11 and "close" not in headers.get("connection", "").lower()
        self.will_close = not kept or (self.length is None and not self.chunked)


def _headers(file: Any) -> Headers:
    headers = Headers()
    for _ in range(_LINES):
        line = file.readline(_ONE_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        field = _HEADER.fullmatch(line)
        if field is None:
            raise HTTPException("malformed head")
        name = field[1].decode("ascii").lower()
        if name in headers and name in ("content-length", "transfer-encoding"):
            raise HTTPException("an answer of two lengths")
        headers[name] = field[2].strip(b" \t").decode("latin-1")
    raise HTTPException("too long a head")


def _length(headers: Headers) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise HTTPException("an answer without a length")
    return int(text)


# --- what the answer says ---------------------------------------------------------------------


class Answer:
    """A JSON object from WeChat; its repr shows nothing, for it may hold an access_token."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def get(self, name: str) -> Any:
        return self._fields.get(name)

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None


class Unintelligible(Exception):
    """What came is no answer; the message says why, in words of ours."""


def parse(raw: RawAnswer) -> Answer:
    """The one JSON object that came. Raises `Unintelligible`, and whatever json and sockets raise."""
    if raw.status != 200:
        raise Unintelligible(f"HTTP status {raw.status}")
    if (raw.length or 0) > MAX_ANSWER_BYTES:
        raise Unintelligible(f"more than {MAX_ANSWER_BYTES} bytes")
    # Undecoded, so that a compressed answer can't grow: we ask for none.
    body = raw.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise Unintelligible(f"more than {MAX_ANSWER_BYTES} bytes")
    if raw.length:  # read(n) leaves it to the caller to notice
        raise Unintelligible("cut short")
    fields = _from_json(body.decode())
    if not isinstance(fields, dict):
        raise Unintelligible("not a JSON object")
    return Answer(fields)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names each say one thing: json would take the last, whatever the first said."""
    fields = dict(pairs)
    if any(fields[name] != value for name, value in pairs):
        raise Unintelligible("a name with two values")
    return fields


_from_json = json.JSONDecoder(object_pairs_hook=_once).decode
