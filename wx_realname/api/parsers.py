"""Strict JSON bodies: any fault is a 400, even where DRF or the json module would accept it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from ..personal_data import Secret

MAX_BODY_BYTES = 64 * 1024


class OpaqueJSONParser(BaseParser):
    """A JSON object whose values are `Secret`, so that nothing that prints the request shows them.

    UTF-8 whatever the charset says (RFC 8259 §8.1), of bounded size and depth.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Secret]:
        try:
            return _parse(stream.read(MAX_BODY_BYTES + 1))
        except (ValueError, RecursionError):
            pass  # these errors carry the body: a new one is raised, outside of here
        raise ParseError


def _parse(body: bytes) -> dict[str, Secret]:
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("too large")
    fields = _from_json(body.decode())
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    return {name: Secret(value) for name, value in fields.items()}


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity, which Python's json takes and JSON doesn't have."""
    raise ValueError(constant)


_from_json = json.JSONDecoder(parse_constant=_refuse).decode


class JSONOnly(BaseContentNegotiation):
    """Answers are JSON, whatever Accept says; the parser is the one that reads the body's type."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        for parser in parsers:
            if request.content_type.partition(";")[0].strip().lower() == parser.media_type:
                return parser
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
