"""Reports an attempt's end: one line in the log, and the signal for metrics."""

from __future__ import annotations

import logging

from ... import signals
from ...models import Verification

#: A fixed name for LOGGING, independent of this module's place.
logger = logging.getLogger("wx_realname.attempt")


def attempt_ended(row: Verification, *, recorded: bool) -> None:
    """`recorded` is False when a newer attempt or an erasure came first, or the database failed."""
    milliseconds = row.duration_ms or 0
    signals.attempt_ended.send_robust(
        sender=None,
        merchant=row.merchant,
        method=str(row.method),
        status=str(row.status),
        error_code=row.error_code,
        seconds=milliseconds / 1000,
    )
    if logger.isEnabledFor(logging.INFO):
        logger.info(
            "attempt ended: %s %s in %d ms%s",
            row.status,
            row.error_code or "-",
            milliseconds,
            "" if recorded else ", not recorded",
            extra=_fields(row, recorded),
        )


def _fields(row: Verification, recorded: bool) -> dict[str, object]:
    return {
        "event": "attempt_ended",
        "verification_id": row.pk,
        "merchant": row.merchant,
        "attempt": row.attempt,
        "method": str(row.method),
        "status": str(row.status),
        "error_code": row.error_code,
        "errcode": row.errcode,
        "duration_ms": row.duration_ms,
        "recorded": recorded,
    }
