"""Compares records with the trail before they are shown or used, or an event about them is signed."""

from __future__ import annotations

import logging
from collections import Counter

from django.db import router, transaction

from .. import audit
from ..exceptions import InternalError, Misconfigured
from ..models import AuditEvent, Verification

logger = logging.getLogger(__name__)


def require(rows: list[Verification], origin: audit.Origin, *, reads: bool = True) -> None:
    """Raises `InternalError` when one of the records contradicts its last outcome.

    Raises `Misconfigured` where a key is missing, as `vouched` does.
    """
    judgement = _judge(rows, origin)
    for row in rows:
        if row.pk in judgement.contradicting:
            raise InternalError(verification_id=row.pk)
    _require_keys(judgement, reads)


def vouched(
    rows: list[Verification], origin: audit.Origin | None = None, *, reads: bool = True
) -> list[Verification]:
    """The records that agree with their last outcomes.

    Raises `Misconfigured` where the key of an outcome is missing; with `reads`, for a caller that relies on
    names, numbers or indexes, also where a key that they are compared with is. Without: an outcome signs the
    masks, and what can't be decrypted is shown as null.
    """
    judgement = _judge(rows, origin)
    _require_keys(judgement, reads)
    without = judgement.contradicting | judgement.erased_since
    return [row for row in rows if row.pk not in without]


def comparable(rows: list[Verification], origin: audit.Origin) -> list[Verification]:
    """The records that agree; neither a contradiction nor a missing key hinders the others."""
    judgement = _judge(rows, origin)
    doubtful = judgement.contradicting | judgement.needed_keys.keys() | judgement.erased_since
    return [row for row in rows if row.pk not in doubtful]


def _judge(rows: list[Verification], origin: audit.Origin | None = None) -> audit.Judgement:
    """The judgement of the trail.

    Each record that contradicts it is logged as an error, and an event without HMAC is added. A missing
    key is logged once.
    """
    using, whence = router.db_for_write(Verification), origin or audit.Origin()
    judgement = audit.judge(rows, using)
    for row in rows:
        if row.pk in judgement.contradicting:
            logger.error(
                "record %s contradicts its last outcome: run realname_verify_audit", row.pk
            )
            with transaction.atomic(using=using):
                audit.append(AuditEvent.Event.CONTRADICTION, whence, using=using, about=row)
    for key, count in Counter(judgement.needed_keys.values()).items():
        logger.error("records that can't be compared: %d (%s)", count, key)
    return judgement


def _require_keys(judgement: audit.Judgement, reads: bool) -> None:
    for pk, key in judgement.needed_keys.items():
        if reads or key.of_outcome:
            raise Misconfigured(verification_id=pk)
