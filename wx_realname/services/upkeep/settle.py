"""Asks WeChat how waiting faces ended: a phone may be closed before it reports that.

WeChat answers for an hour. A record is asked for once at an age of ten minutes, and in every run from
minute 50 on. Those whose hour is nearly over come first; among them, those that were asked for least
recently, so that a run which ended early is continued by the next one. A run takes one record at a
time, so two runs at once rarely ask for the same one; if they do, only one of them ends it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error, connections, router
from django.db.models import F, Q
from django.utils import timezone

from ... import audit, conf
from ...exceptions import ConfigurationError, InternalError, RealNameError, WeChatUnreachable
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
GIVE_UP = 20  # consecutive records of a merchant for which no answer came


@dataclass(frozen=True)
class Settled:
    """The result of one record: its status, the error's code, and whether no answer came from WeChat."""

    record: UUID
    status: str
    code: str = ""
    unreached: bool = False


def due(now: datetime, *, everything: bool = False) -> VerificationQuerySet:
    """The waiting records that a run which began at `now` asks for."""
    waiting = Verification.objects.deciding().filter(status=Status.WAITING)
    not_yet = Q(settled_at=None) | Q(settled_at__lt=now)
    if everything:
        return waiting.filter(not_yet)
    # `--all` may have asked earlier
    first = Q(settled_at=None) | Q(settled_at__lt=F("started_at") + FIRST)
    last = Q(settled_at__lt=now, started_at__lte=now - LAST)
    return waiting.filter(first | last, started_at__lte=now - FIRST)


def settle(*, everything: bool = False, batch_size: int = BATCH) -> Iterator[Settled]:
    """Ask about the records that are due, and yield the results. Safe to stop, and to run twice at once.

    When no answer comes for many records of a merchant in a row, the rest of that merchant's records is
    left for the next run.
    """
    conf.current()  # raises for wrong settings, even when no record waits
    now = timezone.now()
    unreached: Counter[str] = Counter()  # by merchant, in a row
    rows = due(now, everything=everything)
    for row in _in_turn(rows, now, batch_size):
        if unreached[row.merchant] >= GIVE_UP or not _take(rows, row.pk):
            continue  # else another run has it, or it has ended
        settled = _settle(row.pk)
        yield settled
        unreached[row.merchant] = unreached[row.merchant] + 1 if settled.unreached else 0
        if unreached[row.merchant] == GIVE_UP:
            logger.error(
                'WeChat can\'t be reached for "%s": its faces that still wait are left for another run',
                row.merchant,
            )


def _in_turn(rows: VerificationQuerySet, now: datetime, size: int) -> Iterator[Verification]:
    """Those whose hour is nearly over first; of these, and of the others, the least recently asked first."""
    rows = rows.only("merchant", "settled_at")
    urgent, others = Q(started_at__lte=now - LAST), Q(started_at__gt=now - LAST)
    for some in (rows.filter(urgent), rows.filter(others)):
        yield from keyset.by_id(some.filter(settled_at=None), size)
        yield from _least_recently_asked(some.filter(settled_at__lt=now), size)


def _least_recently_asked(rows: VerificationQuerySet, size: int) -> Iterator[Verification]:
    """A batch at a time. The rows that this run takes have a later `settled_at`, and leave."""
    ordered = rows.order_by("settled_at", "pk")
    batch = list(ordered[:size])
    while batch:
        yield from batch
        last = batch[-1]
        further = Q(settled_at__gt=last.settled_at) | Q(pk__gt=last.pk)
        batch = list(ordered.filter(further, settled_at__gte=last.settled_at)[:size])


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
        unreached = isinstance(error, WeChatUnreachable) and bool(error.reason)
    except (ConfigurationError, Error):
        raise
    except Exception as unexpected:
        # the other records expire meanwhile; the error's message may hold secrets
        logger.error("%s: unexpected %s", record, type(unexpected).__qualname__)
        code, unreached = InternalError.code, False
    status = Verification.objects.deciding().filter(pk=record).values_list("status", flat=True)
    return Settled(record, str(status.first()), code, unreached)
