"""Asks WeChat how waiting faces ended: a phone may be closed before it reports that.

WeChat answers for an hour. A record is asked for once at an age of ten minutes, and in every run from
minute 50 on. A run takes one record at a time, so two runs at once rarely ask for the same one; if they
do, only one of them ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, router
from django.db.models import Q
from django.utils import timezone

from ... import audit, conf
from ...exceptions import RealNameError, WeChatUnreachable
from ...managers import VerificationQuerySet
from ...models import Verification
from .. import keyset
from ..transactions import durable
from ..verification import face

logger = logging.getLogger(__name__)

Status = Verification.Status

BATCH = 500  # rows a query
FIRST = timedelta(minutes=10)  # a record's age: most citizens have finished by then
LAST = timedelta(minutes=50)  # a record's age: ten minutes are left
GIVE_UP = 20  # consecutive records for which WeChat can't be reached


@dataclass(frozen=True)
class Settled:
    """The result of one record: its status, and the error's code, if any."""

    record: UUID
    status: str
    code: str = ""


def due(now: datetime, *, everything: bool = False) -> VerificationQuerySet:
    """The waiting records that a run which began at `now` asks for."""
    waiting = Verification.objects.deciding().filter(status=Status.WAITING)
    not_yet = Q(settled_at=None) | Q(settled_at__lt=now)
    if everything:
        return waiting.filter(not_yet)
    first = Q(settled_at=None, started_at__lte=now - FIRST)
    last = Q(settled_at__lt=now, started_at__lte=now - LAST)
    return waiting.filter(first | last)


def settle(*, everything: bool = False, batch_size: int = BATCH) -> Iterator[Settled]:
    """Ask about the records that are due, and yield the results. Safe to stop, and to run twice at once.

    Ends early when WeChat can't be reached for many records in a row; the next run asks for the rest.
    """
    conf.current()  # raises for wrong settings, even when no record waits
    now, unreached = timezone.now(), 0
    rows = due(now, everything=everything)
    for row in keyset.by_id(rows.only("pk"), batch_size):
        if not _take(rows, row.pk):
            continue  # another run has it, or it has ended
        settled = _settle(row.pk)
        yield settled
        unreached = unreached + 1 if settled.code == WeChatUnreachable.code else 0
        if unreached >= GIVE_UP:
            logger.error(
                "WeChat can't be reached: the faces that still wait are left for another run"
            )
            return


def _take(rows: VerificationQuerySet, record: UUID) -> bool:
    """Take the record for this run, without waiting for a lock. Return whether it was taken."""
    using = router.db_for_write(Verification)
    features = connections[using].features
    with durable(using):
        mine = rows.filter(pk=record)
        if features.has_select_for_update:
            locked = mine.order_by().select_for_update(
                skip_locked=features.has_select_for_update_skip_locked
            )
            mine = rows.filter(pk__in=list(locked.values_list("pk", flat=True)))
        return bool(mine.update(settled_at=timezone.now()))


def _settle(record: UUID) -> Settled:
    try:
        return Settled(record, str(face.finish(record, audit.Origin()).status))
    except RealNameError as error:
        code = error.code
    status = Verification.objects.deciding().filter(pk=record).values_list("status", flat=True)
    return Settled(record, str(status.first()), code)
