"""Conditional changes of a record while it is being decided."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from django.utils import timezone

from .. import audit, conf, statements
from ..exceptions import BY_CODE, OutcomeUnknown, RealNameError, WeChatReply, WeChatUnreachable
from ..models import AuditEvent, Verification


def is_stuck(row: Verification) -> bool:
    """Whether a pending attempt is older than PENDING_TIMEOUT: its worker died."""
    return timezone.now() - row.started_at > timedelta(seconds=conf.current().pending_timeout)


def abandoned(row: Verification) -> type[RealNameError]:
    """The error of an attempt whose worker died. Only the begin of a face consumes nothing."""
    is_face = row.method == Verification.Method.FACE
    return WeChatUnreachable if is_face else OutcomeUnknown


def append_abandoned(row: Verification, origin: audit.Origin, using: str) -> None:
    """Add the event that ends an attempt whose worker died."""
    error = abandoned(row)
    audit.append_outcome(
        AuditEvent.Event.EXCHANGE_ABANDONED,
        origin,
        changed(row, {"status": error.outcome}),
        using=using,
        error_code=error.code,
    )


def error_of(row: Verification) -> RealNameError:
    """The error with which the record ended."""
    wechat = None
    if row.errcode is not None:
        wechat = WeChatReply(errcode=row.errcode, errmsg=row.errmsg, hint=row.hint or None)
    return BY_CODE[row.error_code](wechat=wechat, verification_id=row.pk)


def update_if_unchanged(row: Verification, using: str, changes: dict[str, Any]) -> bool:
    """Write the changes, unless the row has another status, attempt or user by now. Return whether."""
    return statements.update(Verification, identity(row), changes, using)


def identity(row: Verification) -> dict[str, Any]:
    """The columns that are unchanged as long as nobody else writes the row."""
    return {
        "id": row.id,
        "status": row.status,
        "attempt": row.attempt,
        "user_id": row.user_id,
    }


def changed(row: Verification, changes: dict[str, Any]) -> Verification:
    """A copy of the row with the changes."""
    row = copy.copy(row)
    row.__dict__.update(changes)
    return row
