"""Reveals one record's personal data to an officer: only with a reason and an audit event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router

from ... import audit
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from .. import plain, trust
from ..reasons import require_reason


def reveal(
    verification: Verification,
    *,
    actor: Any,
    reason: str,
    case_number: str = "",
    request: Any = None,
    event_id: UUID | None = None,
) -> PersonalData:
    """Name and ID number in plain text. The audit event is committed before anything is decrypted.

    `event_id` is the event's id: a second call with it raises `AlreadySent`.
    The caller checks the permission. Raises `InvalidRequest` without a reason,
    `NotFound` when nothing is stored (not verified, erased, STORAGE "masked"), `Misconfigured` where a key
    is missing, `InternalError` for a record that contradicts its trail.
    """
    require_reason(reason, audit.MAX_REASON, case_number=case_number)
    using = router.db_for_write(Verification)
    origin = audit.Origin.of(actor, request)
    row = plain.stored(verification, using)
    require_reason(reason, audit.MAX_REASON, about=row)
    trust.require([row], origin)
    event = AuditEvent.Event.REVEAL
    return plain.read(
        row, event, origin, using, reason=reason, case_number=case_number, event_id=event_id
    )
