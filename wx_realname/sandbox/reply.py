"""An HTTP answer as it is sent. Faults can change every part of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

from .wire import Answer, Document

Delivered = Literal["nothing", "part", "whole"]
Ending = Literal["keep", "close", "reset"]


@dataclass(frozen=True)
class Pause:
    """Silence between two parts of an answer."""

    seconds: float


NEVER = Pause(math.inf)  # until the client hangs up

Part = bytes | Pause
Pieces = Callable[[bytes, bytes], Iterable[Part]]


def in_one_piece(head: bytes, body: bytes) -> Iterable[Part]:
    """Head and body in one segment, as is usual."""
    return (head + body,)


def _tell_nobody(delivered: Delivered) -> None:
    """For answers that aren't in the ledger: those of the control side."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.

    `errcode` is WeChat's decision; `headers` are added to the usual ones (None removes one); `skew`: the
    seconds by which the Date header is wrong. `pieces` yields the bytes to send, made from head and
    body; `whole`: whether they are an answer. After `ends_after` seconds the connection is kept, closed
    or reset, by `ends`. `tell` is called with how much was delivered.
    """

    body: bytes = field(default=b"", repr=False)
    errcode: int | None = None
    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    version: str = "HTTP/1.1"
    skew: float = 0.0
    pieces: Pieces = field(default=in_one_piece, repr=False)
    whole: bool = True
    ends: Ending = "keep"
    ends_after: float = 0.0
    fault: str | None = None
    tell: Callable[[Delivered], None] = field(default=_tell_nobody, repr=False)

    @classmethod
    def of(cls, answer: Answer) -> Reply:
        """The answer in JSON, as WeChat writes it."""
        return cls(as_json(answer.document), answer.errcode, answer.status)

    def head(self, now: float, *, close: bool) -> bytes:
        """Status line and headers; `now` in Unix seconds, for the Date header."""
        usual = {
            "Date": formatdate(now + self.skew, usegmt=True),
            "Content-Type": "application/json; encoding=utf-8",  # WeChat's own spelling
            "Content-Length": str(len(self.body)),
            "Cache-Control": "no-store",
            "Connection": "close" if close else "keep-alive",
        }
        lines = [f"{self.version} {self.status} {HTTPStatus(self.status).phrase}"]
        headers = {**usual, **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def as_json(document: Document) -> bytes:
    """Compact, and the characters as they are."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
