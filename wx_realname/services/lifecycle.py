"""The end of personal data: erased on request, with its user, or when its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from .. import audit, conf
from ..exceptions import ExchangeInProgress, InvalidRequest, OutcomeUnknown
from ..models import AuditEvent, Verification
from ..personal_data import Secret
from ..signals import verification_erased
from ..text import clean_text
from .rows import append_abandoned, changed, update_if_unchanged
from .transactions import durable, persistently

Status = Verification.Status

BATCH = 500  # rows a query
USER_DELETED = "the user was deleted"
_HOLDING = (Status.VERIFIED, Status.PENDING)


def erase(verification: Verification, *, actor: Any, reason: str, request: Any = None) -> None:
    """Erase name and number: ciphertexts, masks and blind indexes. The row and its events stay.

    Repeated, or without personal data in the row, it does nothing. Raises `ExchangeInProgress` while
    the record is pending, `InvalidRequest` for a reason that no database takes. May be called inside
    the caller's transaction.
    """
    if fault := clean_text(Secret(reason), audit.MAX_REASON, blank=True):
        raise InvalidRequest(errors={"reason": [str(fault)]})
    using = router.db_for_write(Verification)
    row = _with_users(Verification.objects.using(using)).get(pk=verification.pk)
    if row.status == Status.PENDING:
        raise ExchangeInProgress(verification_id=row.pk)
    _erase([row], audit.Origin.of(actor, request), reason, using)


def erase_for_deleted_user(user: Any) -> None:
    """Erase the personal data of a user who is about to be deleted, in the deletion's transaction.

    What is pending ends as erased too, so that an answer on its way finds no place to go.
    """
    using = router.db_for_write(Verification)
    held = Verification.objects.using(using).of(user).filter(status__in=_HOLDING)
    _erase(list(_with_users(held)), audit.Origin(), USER_DELETED, using, _HOLDING)


def erase_ownerless(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """Erase what was verified while its user was being deleted, and yield it.

    Between `erase_for_deleted_user` and the moment at which Django unties the records an exchange
    may end; a DELETE in plain SQL asks nobody at all.
    """
    using = router.db_for_write(Verification)
    while rows := list(ownerless()[:batch_size]):
        yield from persistently(
            partial(_erase, rows, audit.Origin(), USER_DELETED, using, _HOLDING), using
        )


def _with_users(rows: QuerySet[Verification]) -> QuerySet[Verification]:
    """With the users whom `verification_erased` names: asked for later, a replica may not know them yet."""
    return rows.select_related("user")


def ownerless() -> QuerySet[Verification]:
    """Records of deleted users that still hold, or may yet hold, personal data."""
    return Verification.objects.deciding().filter(user=None, status__in=_HOLDING)


def _erase(
    rows: list[Verification],
    origin: audit.Origin,
    reason: str,
    using: str,
    statuses: tuple[Status, ...] = (Status.VERIFIED,),
) -> list[Verification]:
    """Erase them in one transaction; those that still held something: others may have been faster."""
    changes = {
        "status": Status.ERASED,
        "real_name_encrypted": None,
        "credential_id_encrypted": None,
        "real_name_masked": None,
        "credential_id_masked": None,
        "real_name_index": None,
        "credential_id_index": None,
        "index_key_id": "",
        "check_digit_valid": None,
        "erased_at": timezone.now(),
    }
    with transaction.atomic(using=using):
        stored = Verification.objects.using(using).filter(pk__in=sorted(row.pk for row in rows))
        if stored.filter(status__in=statuses).update(**changes) < len(rows):
            ours = set(stored.filter(erased_at=changes["erased_at"]).values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in ours]
        after = [changed(row, changes) for row in rows]
        audit.append_all(AuditEvent.Event.ERASE, origin, after, using=using, reason=reason)
        for row in after:
            _tell_after_commit(row, using)
    return rows


def _tell_after_commit(row: Verification, using: str) -> None:
    tell = partial(
        verification_erased.send_robust, sender=Verification, verification=row, user=row.user
    )
    transaction.on_commit(tell, using=using, robust=True)


def stuck() -> QuerySet[Verification]:
    """Attempts that are pending longer than PENDING_TIMEOUT: their workers died."""
    limit = timezone.now() - timedelta(seconds=conf.current().pending_timeout)
    pending = Verification.objects.deciding().filter(status=Status.PENDING, started_at__lt=limit)
    return pending.order_by("started_at")


def outlived() -> QuerySet[Verification]:
    """Verified records older than RETENTION_DAYS; none when it is unset."""
    days = conf.current().retention_days
    if days is None:
        return Verification.objects.deciding().none()
    limit = timezone.now() - timedelta(days=days)
    verified = Verification.objects.deciding().filter(status=Status.VERIFIED)
    return verified.filter(verified_at__lt=limit).order_by("verified_at")


def end_stuck(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """Make attempts that a crash left pending unknown, and yield them. Safe to run twice at once."""
    using = router.db_for_write(Verification)
    while rows := list(stuck()[:batch_size]):
        for row in rows:
            changes = {
                "status": Status.UNKNOWN,
                "error_code": OutcomeUnknown.code,
                "in_doubt": True,
                "finished_at": timezone.now(),
            }
            with durable(using):
                ended = update_if_unchanged(row, using, changes)
                if ended:
                    append_abandoned(row, audit.Origin(), using)
            if ended:
                yield changed(row, changes)


def erase_outlived(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """Erase what is older than RETENTION_DAYS, and yield it. Safe to run twice at once."""
    using = router.db_for_write(Verification)
    left = _with_users(outlived())
    rows = list(left[:batch_size])
    while rows:
        yield from persistently(
            partial(_erase, rows, audit.Origin(), "RETENTION_DAYS", using), using
        )
        # What is erased has left the index, but not at once: PostgreSQL would step over all of it each time.
        rows = list(left.filter(verified_at__gte=rows[-1].verified_at)[:batch_size])
