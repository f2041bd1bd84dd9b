"""A record while it is being decided: what changes it, and on what condition."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from django.utils import timezone

from .. import audit, conf, statements
from ..exceptions import OutcomeUnknown
from ..models import AuditEvent, Verification


def is_stuck(row: Verification) -> bool:
    """Whether a pending attempt is older than PENDING_TIMEOUT: its worker died."""
    return timezone.now() - row.started_at > timedelta(seconds=conf.current().pending_timeout)


def append_abandoned(row: Verification, origin: audit.Origin, using: str) -> None:
    """The end of an attempt whose worker died: it became unknown."""
    audit.append_outcome(
        AuditEvent.Event.EXCHANGE_ABANDONED,
        origin,
        changed(row, {"status": Verification.Status.UNKNOWN}),
        using=using,
        error_code=OutcomeUnknown.code,
    )


def update_if_unchanged(row: Verification, using: str, changes: dict[str, Any]) -> bool:
    """Write, unless the row has meanwhile another status, attempt or user."""
    return statements.update(Verification, identity(row), changes, using)


def identity(row: Verification) -> dict[str, Any]:
    """What a row keeps as long as nobody else deals with it."""
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
