"""Reads one answer from a socket, within the call's deadline, and parses its JSON."""

from __future__ import annotations

import io
import json
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Any, cast

MAX_ANSWER_BYTES = 64 * 1024
MAX_READ_BYTES = 4 * MAX_ANSWER_BYTES  # heads and the sizes of chunks included
TOO_LONG = f"more than {MAX_ANSWER_BYTES} bytes"


class Fault(Exception):
    """The reason why there is no answer, in this package's words, without secrets."""


class Deadline:
    """One span of time over every step and try of a call."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._at - time.monotonic())


@dataclass(frozen=True)
class Patience:
    """How long a call may wait: each step for its time-out in seconds, all until the deadline."""

    connect_timeout: float
    read_timeout: float
    deadline: Deadline

    def connecting(self) -> float:
        return self._at_most(self.connect_timeout)

    def reading(self) -> float:
        return self._at_most(self.read_timeout)

    def _at_most(self, seconds: float) -> float:
        """Never 0, which a socket takes for "non-blocking". Raises `Fault` when the time is over."""
        remaining = self.deadline.remaining()
        if not remaining:
            raise Fault("the deadline is over")
        return min(seconds, remaining)


class _Source(io.RawIOBase):
    """A socket's bytes, until the deadline: a time-out for each read would let an answer drip for hours."""

    def __init__(self, sock: Any, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience
        self._allowed = MAX_READ_BYTES
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.ended:
            return 0
        self._sock.settimeout(self._patience.reading())
        count: int = self._sock.recv_into(buffer)
        self._allowed -= count
        if self._allowed < 0:
            raise Fault(TOO_LONG)
        return count


class Wire(io.BufferedReader):
    """Reads one answer. After it was closed, `overfull` says whether more than that had come."""

    def __init__(self, sock: Any, patience: Patience) -> None:
        self._source = _Source(sock, patience)
        self.overfull = False
        super().__init__(self._source)

    def makefile(self, mode: str) -> Wire:
        """Called by `HTTPResponse`, which gets this object in place of a socket."""
        return self

    def close(self) -> None:
        if not self.closed:
            self._source.ended = True  # look into the buffer, but wait for nothing more
            self.overfull = bool(self.peek(1))
        super().close()


def read_head(wire: Wire, method: str) -> HTTPResponse:
    """The answer, read up to the end of its head. Raises `Fault`, and what http.client and sockets raise."""
    answer = HTTPResponse(cast(Any, wire), method=method)
    answer.begin()
    _check_head(answer.headers)
    return answer


def _check_head(headers: HTTPMessage) -> None:
    """Refuse what http.client tolerates: a malformed head, two lengths, one that isn't a number."""
    lengths = headers.get_all("Content-Length", [])
    codings = headers.get_all("Transfer-Encoding", [])
    if headers.defects:
        raise Fault("a malformed head")
    if len(lengths) > 1 or len(codings) > 1:
        raise Fault("an answer of two lengths")
    if not all(text.isascii() and text.isdigit() for text in lengths):
        raise Fault("a length that isn't a number")
    if codings and codings[0].lower() != "chunked":
        raise Fault("a transfer coding that was not asked for")


class Answer:
    """A JSON object from WeChat; its repr shows nothing, for it may hold an access_token."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def get(self, name: str) -> Any:
        return self._fields.get(name)

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None


def parse(answer: HTTPResponse) -> Answer:
    """The one JSON object of the body. Raises `Fault`, and what http.client, json and sockets raise.

    The Content-Type is ignored: WeChat sends refusals as text/plain, too.
    """
    if answer.status != 200:
        raise Fault(f"HTTP status {answer.status}")
    if (answer.length or 0) > MAX_ANSWER_BYTES:
        raise Fault(TOO_LONG)
    # Never decompressed: the request asks for no encoding, and a small answer could grow large.
    body = answer.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise Fault(TOO_LONG)
    if answer.length:  # read(n) doesn't report a connection that ended early
        raise Fault("cut short")
    fields = _fields(body)
    if not isinstance(fields, dict):
        raise Fault("not a JSON object")
    return Answer(fields)


def _fields(body: bytes) -> Any:
    """The JSON of the body. A BOM, or a byte that isn't UTF-8, is tolerated in a refusal alone."""
    try:
        return _from_json(body.decode())
    except ValueError:
        if (refusal := _refusal(body)) is None:
            raise
        return refusal


def _refusal(body: bytes) -> dict[str, Any] | None:
    """A refusal among such bodies: WeChat may cut its words within a character.

    A success is none: nothing may become valid by a replaced byte.
    """
    with suppress(ValueError):
        fields = _from_json(body.decode("utf-8-sig", "replace"))
        errcode = fields.get("errcode") if isinstance(fields, dict) else None
        return fields if type(errcode) is int and errcode != 0 else None
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name with two values: json would take the last. 10000.0 and 10000 differ here."""
    fields = dict(pairs)
    if any(repr(fields[name]) != repr(value) for name, value in pairs):
        raise Fault("a name with two values")
    return fields


# Not strict: a control character within a string doesn't make a refusal unreadable.
_from_json = json.JSONDecoder(object_pairs_hook=_unique, strict=False).decode

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "no answer in time"),
    (RemoteDisconnected, "the connection was closed without an answer"),
    (ConnectionError, "the connection was reset"),
    (IncompleteRead, "cut short"),
    (HTTPException, "not HTTP"),
    (UnicodeDecodeError, "not UTF-8"),
    (RecursionError, "nested too deep"),
    (ValueError, "not JSON"),
)


def describe(error: Exception) -> str:
    """The reason of a failure. Only a `Fault` is quoted: other messages may repeat what was sent."""
    if isinstance(error, Fault):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: certificate verify failed ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
    reasons = (words for kind, words in _REASONS if isinstance(error, kind))
    return next(reasons, type(error).__name__)
