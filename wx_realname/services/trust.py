"""Compares records with the trail before they are shown or used, or an event about them is signed."""

from __future__ import annotations

import logging

from django.db import router, transaction

from .. import audit
from ..exceptions import InternalError
from ..models import AuditEvent, Verification

logger = logging.getLogger(__name__)


def require(rows: list[Verification], origin: audit.Origin) -> None:
    """Raises `InternalError` when one of the records contradicts its last outcome.

    Raises `Misconfigured` where AUDIT_KEYS lacks the key of an outcome, which isn't tampering.
    """
    trusted = {row.pk for row in vouched(rows, origin)}
    for row in rows:
        if row.pk not in trusted:
            raise InternalError(verification_id=row.pk)


def vouched(rows: list[Verification], origin: audit.Origin | None = None) -> list[Verification]:
    """The records that agree with their last outcomes.

    Each other record is logged as an error, and an event without HMAC is added.
    """
    using, whence = router.db_for_write(Verification), origin or audit.Origin()
    wrong = audit.contradicting(rows, using)
    for row in rows:
        if row.pk in wrong:
            logger.error(
                "record %s contradicts its last outcome: run realname_verify_audit", row.pk
            )
            with transaction.atomic(using=using):
                audit.append(AuditEvent.Event.CONTRADICTION, whence, using=using, about=row)
    return [row for row in rows if row.pk not in wrong]
