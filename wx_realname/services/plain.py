"""Decrypts one record's personal data for a person to read: the audit event is committed first."""

from __future__ import annotations

from uuid import UUID

from .. import audit
from ..exceptions import NotFound
from ..models import AuditEvent, Verification
from ..personal_data import PersonalData
from .minors import is_minor
from .once import durable_once


def stored(verification: Verification, using: str) -> Verification:
    """The record, read anew. Raises `NotFound` when nothing is stored (not verified, erased, masked)."""
    row = Verification.objects.using(using).filter(pk=verification.pk).first()
    if row is None or row.real_name_encrypted is None:
        raise NotFound(verification_id=verification.pk)
    return row


def read(
    row: Verification,
    event: AuditEvent.Event,
    origin: audit.Origin,
    using: str,
    *,
    reason: str,
    case_number: str,
    event_id: UUID | None = None,
) -> PersonalData:
    """Name and ID number, once the event is on disk. Raises `NotFound`, `DecryptionError`.

    `event_id`: the id that the form gives the event. Raises `AlreadySent` when that event exists.
    """
    with durable_once(AuditEvent, event_id, using):
        audit.append_access(
            event,
            origin,
            [row.pk],
            using=using,
            about=row,
            reason=reason,
            case_number=case_number,
            minor=is_minor(row),
            event_id=event_id,
        )
    data = stored(row, using).personal_data()  # it may have been erased since
    if data is None:
        raise NotFound(verification_id=row.pk)
    return data
