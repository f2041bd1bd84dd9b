"""Requests as they are read, and answers before they are HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from .errcodes import Refused

Document = Mapping[str, object]


@dataclass(frozen=True)
class Request:
    """One HTTP request; `peer` is the caller's address. The repr shows no secret."""

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    peer: str


@dataclass(frozen=True)
class Answer:
    """An answer, computed and not yet sent; `errcode` is for the log."""

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
