"""Showing plain text to a human: never without a reason, a permission and a trace."""

from __future__ import annotations

from typing import Any

from django.db import router

from .. import audit
from ..exceptions import InvalidRequest, NotFound
from ..models import AuditEvent, Verification
from ..personal_data import PersonalData, Secret
from ..text import clean_text
from .transactions import durable


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
    row = Verification.objects.using(using).filter(pk=verification.pk).first()
    if row is None or row.real_name_encrypted is None:
        raise NotFound(verification_id=verification.pk)
    with durable(using):
        audit.append(
            AuditEvent.Event.REVEAL,
            audit.Origin.of(actor, request),
            using=using,
            verification=row,
            reason=reason,
        )
    personal_data = row.personal_data()
    if personal_data is None:
        raise NotFound(verification_id=row.pk)
    return personal_data
