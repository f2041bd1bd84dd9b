"""Requests as read from the wire, answers as they go onto it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs

from .errcodes import Refused

Document = Mapping[str, object]


@dataclass(frozen=True)
class Request:
    """One HTTP request; `peer` is the address of who asks. The repr shows no secret."""

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    peer: str


@dataclass(frozen=True)
class Answer:
    """An answer, computed and not yet sent; `errcode` is what the log tells of it."""

    document: Document = field(repr=False)
    status: int = 200
    errcode: int | None = None


def parse_target(target: str) -> tuple[str, dict[str, str]]:
    """Path and query of a request target; of a repeated parameter the first counts."""
    path, _, query = target.partition("?")
    return path, {name: values[0] for name, values in parse_qs(query).items()}


def json_object(body: bytes) -> dict[str, object]:
    """The body's JSON object; raises `Refused` 47001 for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # cut, not UTF-8, a number of 5,000 digits; too deep
        raise Refused(47001) from None
    if not isinstance(document, dict):
        raise Refused(47001)
    return document


def render(answer: Answer, *, now: float, close: bool, body_wanted: bool = True) -> bytes:
    """The whole HTTP/1.1 answer; `now` in Unix seconds, for the Date header."""
    body = json.dumps(answer.document, ensure_ascii=False, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        "Content-Type: application/json; encoding=utf-8\r\n"  # WeChat's own spelling
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        f"Connection: {'close' if close else 'keep-alive'}\r\n"
        "\r\n"
    )
    return head.encode("ascii") + (body if body_wanted else b"")
