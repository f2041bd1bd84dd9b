"""Reserving the row of a token, committed before WeChat is asked."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from ... import statements
from ...exceptions import AuthTokenInUse, ExchangeInProgress, InternalError, OtherMerchant
from ...models import AuditEvent, Consent, Notice, Verification
from .. import trust
from ..rights import consent
from ..rows import append_abandoned, changed, error_of, is_stuck, update_if_unchanged
from ..transactions import append_durably, durable, durable_statement
from .job import Job

logger = logging.getLogger(__name__)

Status = Verification.Status

RESERVE_TRIES = 5

NO_OUTCOME: dict[str, Any] = {
    "cert_serialno": "",
    "error_code": "",
    "errcode": None,
    "errmsg": "",
    "hint": "",
    "duration_ms": None,
    "finished_at": None,
}


def reserve(job: Job) -> Verification:
    """The row: pending and reserved for this job, or ended, when WeChat needn't be asked.

    Raises what the interface's table of repeats says.
    """
    for _ in range(RESERVE_TRIES):
        # An older key of INDEX_KEYS may have written the digest; otherwise the INSERT itself finds the row.
        known = _find(job) if len(job.digests) > 1 else None
        row = _insert(job) if known is None else None
        if row is None:
            known = known or _find(job)
            row = _again(job, known) if known else None
        if row is not None:
            return row
    logger.error("no row could be reserved: user %s may be gone", job.user.pk)
    raise InternalError


def _find(job: Job) -> Verification | None:
    rows = Verification.objects.using(job.using)
    return rows.filter(token_digest__in=[digest.hex for digest in job.digests]).first()


def _insert(job: Job) -> Verification | None:
    """A new row, committed; None when the token has one."""
    now = timezone.now()
    values = {
        "id": job.row_id,
        "user_id": job.user.pk,
        "merchant": job.merchant.alias,
        "mch_id": job.merchant.mch_id or "",
        "app_id": job.merchant.app_id,
        "method": job.method,
        "status": Status.PENDING,
        "created_at": now,
        "started_at": now,
        "token_digest": job.digests[0].hex,
        "token_key_id": job.digests[0].key_id,
    }
    try:
        if job.notice is None:
            with durable_statement(job.using):
                return statements.insert(Verification(**values), job.using)
        with durable(job.using):
            values["consent_id"] = _consent(job, job.notice, job.row_id, now).pk
            return statements.insert(Verification(**values), job.using)
    except IntegrityError:
        return None


def _consent(job: Job, notice: Notice, row_id: UUID, now: datetime) -> Consent:
    return consent.give(
        notice,
        user=job.user,
        origin=job.origin,
        verification_id=row_id,
        given_at=now,
        using=job.using,
    )


def _again(job: Job, known: Verification) -> Verification | None:
    """The row of a token that was posted before; None when another request has just taken it over."""
    trust.require([known], job.origin, reads=False)
    if job.is_of_the_user(known) and known.merchant != job.merchant.alias:
        raise OtherMerchant
    if not job.is_of_the_user(known):
        append_durably(
            AuditEvent.Event.AUTH_TOKEN_IN_USE,
            job.origin,
            using=job.using,
            about=known,
            error_code=AuthTokenInUse.code,
        )
        raise AuthTokenInUse
    if known.status in (Status.VERIFIED, Status.ERASED):
        job.confirm(known)
        return known
    if known.status == Status.REJECTED:
        raise error_of(known)
    if known.status == Status.PENDING and not is_stuck(known):
        raise ExchangeInProgress(verification_id=known.pk)
    return _take_over(job, known)


def _take_over(job: Job, known: Verification) -> Verification | None:
    """The row, pending again for another attempt."""
    now = timezone.now()
    in_doubt = known.in_doubt or known.status in (Status.PENDING, Status.UNKNOWN)
    changes = {
        "status": Status.PENDING,
        "attempt": known.attempt + 1,
        "mch_id": job.merchant.mch_id or "",
        "app_id": job.merchant.app_id,
        "in_doubt": in_doubt,
        "started_at": now,
        "consent_id": None,
        **NO_OUTCOME,
    }
    with durable(job.using):
        if job.notice:
            changes["consent_id"] = _consent(job, job.notice, known.pk, now).pk
        if not update_if_unchanged(known, job.using, changes):
            transaction.set_rollback(True, using=job.using)
            return None
        if known.status == Status.PENDING:
            append_abandoned(known, job.origin, job.using)
    return changed(known, changes)
