"""Which request, record, merchant and attempt a line of the log belongs to.

    "filters": {"realname": {"()": "wx_realname.log.ContextFilter"}},
    "formatters": {"json": {"()": "wx_realname.log.JSONFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler",
                             "filters": ["realname"], "formatter": "json"}},

No name, number or token is among the fields, nor any text of the caller's but a plain request id.
"""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from datetime import datetime, timezone
from secrets import token_hex
from types import MappingProxyType
from typing import Any

#: The fields of every line; "-" where one is absent.
CONTEXT = ("request_id", "verification_id", "merchant", "attempt")
#: Further fields of the line at an attempt's end.
OUTCOME = ("event", "method", "status", "error_code", "errcode", "duration_ms", "recorded")

HEADER = "X-Request-ID"
ATTRIBUTE = "realname_request_id"  # of a request: Django logs its 4xx after the middleware has gone

# Not what is shaped like an ID or phone number.
_PLAIN = re.compile(r"(?![0-9]+[Xx]?\Z)[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_bound: ContextVar[Any] = ContextVar("wx_realname", default=MappingProxyType({}))


class bound:  # noqa: N801 - reads as what it does
    """Add these fields to every line of this thread or task within the block."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        self._before = _bound.set({**_bound.get(), **self._fields})

    def __exit__(self, *error: object) -> None:
        _bound.reset(self._before)


def request_id(request: Any) -> str:
    """The request's own: what a middleware bound, a plain X-Request-ID, or a new one.

    A header that could be anything else (a name, two lines of the log) isn't repeated.
    """
    known = getattr(request, ATTRIBUTE, None) or _bound.get().get("request_id")
    if not known:
        given = request.META.get("HTTP_X_REQUEST_ID", "")  # `headers` would copy all of them
        known = given if _PLAIN.fullmatch(given) else token_hex(16)
    setattr(request, ATTRIBUTE, known)
    return str(known)


class ContextFilter(logging.Filter):
    """For a handler: gives every record the fields of CONTEXT, so that a format can name them."""

    def filter(self, record: logging.LogRecord) -> bool:
        fields = {"request_id": getattr(getattr(record, "request", None), ATTRIBUTE, "-")}
        fields.update(_bound.get())
        for name in CONTEXT:
            if not hasattr(record, name):
                setattr(record, name, fields.get(name, "-"))
        return True


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields that are known."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        fields: dict[str, Any] = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: getattr(record, name, None) for name in (*CONTEXT, *OUTCOME)}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        known = {name: value for name, value in fields.items() if value not in (None, "", "-")}
        return json.dumps(known, ensure_ascii=False, default=str)
