"""Showing one record's personal data to a human: never without a reason and an audit event."""

from __future__ import annotations

from typing import Any

from django.db import router

from ... import audit
from ...exceptions import InvalidRequest, NotFound
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData, Secret
from ...text import clean_text
from .. import trust
from ..transactions import durable

Event = AuditEvent.Event


def reveal(
    verification: Verification, *, actor: Any, reason: str, request: Any = None
) -> PersonalData:
    """Name and ID number in plain text. The audit event is committed before anything is decrypted.

    Whether the actor may is for the caller to decide. Raises `InvalidRequest` without a reason,
    `NotFound` when nothing is stored (not verified, erased, STORAGE "masked"), `DecryptionError`.
    """
    if fault := clean_text(Secret(reason), audit.MAX_REASON):
        raise InvalidRequest(errors={"reason": [str(fault)]})
    using = router.db_for_write(Verification)
    origin = audit.Origin.of(actor, request)
    row = _stored(verification, using)
    trust.require([row], origin)
    with durable(using):
        audit.append_access(
            Event.REVEAL,
            origin,
            [row.pk],
            using=using,
            about=row,
            reason=reason,
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
