"""Showing one record's personal data to a human: never without a reason and an audit event."""

from __future__ import annotations

from typing import Any

from django.db import router

from ... import audit
from ...exceptions import NotFound
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from .. import trust
from ..minors import is_minor
from ..reasons import require_reason
from ..transactions import durable

Event = AuditEvent.Event


def reveal(
    verification: Verification,
    *,
    actor: Any,
    reason: str,
    case_number: str = "",
    request: Any = None,
) -> PersonalData:
    """Name and ID number in plain text. The audit event is committed before anything is decrypted.

    Whether the actor may is for the caller to decide. Raises `InvalidRequest` without a reason,
    `NotFound` when nothing is stored (not verified, erased, STORAGE "masked"), `DecryptionError`.
    """
    require_reason(reason, audit.MAX_REASON, case_number=case_number)
    using = router.db_for_write(Verification)
    origin = audit.Origin.of(actor, request)
    row = _stored(verification, using)
    require_reason(reason, audit.MAX_REASON, about=row)
    trust.require([row], origin)
    with durable(using):
        audit.append_access(
            Event.REVEAL,
            origin,
            [row.pk],
            using=using,
            about=row,
            reason=reason,
            case_number=case_number,
            minor=is_minor(row),
        )
    personal_data = _stored(verification, using).personal_data()  # it may have been erased since
    if personal_data is None:
        raise NotFound(verification_id=verification.pk)
    return personal_data


def _stored(verification: Verification, using: str) -> Verification:
    row = Verification.objects.using(using).filter(pk=verification.pk).first()
    if row is None or row.real_name_encrypted is None:
        raise NotFound(verification_id=verification.pk)
    return row
