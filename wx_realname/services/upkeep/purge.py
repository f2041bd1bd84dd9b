"""Ends attempts whose workers died; erases records past their retention, and of deleted users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone

from ... import audit, conf
from ...exceptions import OutcomeUnknown
from ...models import Notice, Verification
from .. import trust
from ..rights.erasure import HOLDING, USER_DELETED, erase_all, with_users
from ..rows import abandoned, append_abandoned, changed, update_if_unchanged
from ..transactions import durable, persistently

Status = Verification.Status

BATCH = 500  # rows a query


def erase_ownerless(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """Erase records that were verified while their user was being deleted, and yield them.

    An exchange may end after `erase_for_deleted_user`, but before Django sets the records' user to
    NULL; a DELETE in plain SQL doesn't run `erase_for_deleted_user` at all.
    """
    using = router.db_for_write(Verification)
    while rows := list(ownerless()[:batch_size]):
        yield from persistently(
            partial(erase_all, rows, audit.Origin(), USER_DELETED, using, HOLDING), using
        )


def ownerless() -> QuerySet[Verification]:
    """Records of deleted users that still hold, or may yet hold, personal data."""
    return Verification.objects.deciding().filter(user=None, status__in=HOLDING)


def stuck() -> QuerySet[Verification]:
    """Attempts that are pending longer than PENDING_TIMEOUT: their workers died."""
    limit = timezone.now() - timedelta(seconds=conf.current().pending_timeout)
    pending = Verification.objects.deciding().filter(status=Status.PENDING, started_at__lt=limit)
    return pending.order_by("started_at")


def outlived() -> QuerySet[Verification]:
    """Verified records older than the days of their notice, or than RETENTION_DAYS where it has none."""
    days, now = conf.current().retention_days, timezone.now()
    verified = Verification.objects.deciding().filter(status=Status.VERIFIED)
    limits = dict(_days_of_notices())
    test = Q(pk=None)
    for notice, own in limits.items():
        test |= Q(consent__notice=notice, verified_at__lt=now - timedelta(days=own))
    if days is not None:
        rest = Q(verified_at__lt=now - timedelta(days=days))
        without = Q(consent=None) | ~Q(consent__notice__in=list(limits))
        test |= rest & without
    return verified.filter(test).order_by("verified_at")


def _days_of_notices() -> QuerySet[Any, Any]:
    notices = Notice.objects.using(router.db_for_write(Notice))
    return notices.exclude(retention_days=None).values_list("pk", "retention_days")


def end_stuck(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """End attempts that a crash left pending, and yield them. Safe to run twice at once.

    They become unknown; the begin of a face, whose answer WeChat doesn't repeat, becomes failed.
    """
    using = router.db_for_write(Verification)
    left: set[UUID] = set()  # records that contradict their trail stay as they are
    while rows := list(stuck().exclude(pk__in=left)[:batch_size]):
        trusted = trust.vouched(rows, audit.Origin(), reads=False)
        left |= {row.pk for row in rows} - {row.pk for row in trusted}
        for row in trusted:
            error = abandoned(row)
            changes = {
                "status": error.outcome,
                "error_code": error.code,
                "in_doubt": error is OutcomeUnknown,
                "finished_at": timezone.now(),
            }
            with durable(using):
                ended = update_if_unchanged(row, using, changes)
                if ended:
                    append_abandoned(row, audit.Origin(), using)
            if ended:
                yield changed(row, changes)


def erase_outlived(*, batch_size: int = BATCH) -> Iterator[Verification]:
    """Erase the records that `outlived` finds, and yield them. Safe to run twice at once."""
    using = router.db_for_write(Verification)
    left = with_users(outlived())
    rows = list(left[:batch_size])
    while rows:
        yield from persistently(
            partial(erase_all, rows, audit.Origin(), "RETENTION_DAYS", using), using
        )
        # Begins at the last row's time: PostgreSQL's index keeps erased rows until a vacuum, and a query from
        # the start would read all of them.
        rows = list(left.filter(verified_at__gte=rows[-1].verified_at)[:batch_size])
