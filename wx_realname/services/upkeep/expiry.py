"""Removing old events: their leaf hashes stay in the seals, and the chain still verifies.

Events are removed only from seals that are older than the limit. Events that something still depends on
stay: the outcomes of records that hold personal data, and the events of consents. The outcomes of an
erased record are removed only if the last of them is its erasure. The limit is an event with an HMAC.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ... import audit
from ...exceptions import ConfigurationError
from ...models import AuditAccess, AuditEvent, AuditSeal, Verification
from .. import trust
from ..transactions import append_durably, durable, persistently

logger = logging.getLogger(__name__)

BATCH = 1_000  # events of one transaction
LEAST = timedelta(days=3 * 365 + 1)  # the law requires three years

Event = AuditEvent.Event
_LASTING = (
    Event.CONSENT_GIVEN,
    Event.CONSENT_WITHDRAWN,
    Event.NOTICE_PUBLISHED,
    Event.ROTATION,  # since when a key is in use
)


def expire(before: datetime, *, batch_size: int = BATCH, force: bool = False) -> Iterator[int]:
    """Remove the events before the limit, and yield the number that each transaction removed.

    Raises `ConfigurationError` as `allowed` does. It can be stopped and run again, and run twice at once.
    """
    before, using = allowed(before, force=force), router.db_for_write(AuditEvent)
    known = audit.expiry_limit()
    unsigned = before if known is None or known < before else None
    numbers = expired(before, using).order_by("seal").values_list("seal", flat=True).distinct()
    for number in list(numbers):
        old = expired(before, using).filter(seal=number)
        for count in _of_seal(number, old, unsigned, batch_size, using):
            unsigned = None
            yield count


def allowed(before: datetime, *, force: bool) -> datetime:
    """The limit, now at the latest: it is signed, and must cover no events that don't exist yet.

    Raises `ConfigurationError` for a limit under three years ago without `force`.
    """
    now = timezone.now()
    if before > now - LEAST and not force:
        raise ConfigurationError(
            "The trail is kept for three years at least: give an earlier day, or --force."
        )
    return min(before, now)


def _of_seal(
    number: Any,
    old: QuerySet[AuditEvent],
    unsigned: datetime | None,
    batch_size: int,
    using: str,
) -> Iterator[int]:
    """Remove a seal's events, unless others of it are missing: else a list would vouch for these, too.

    `unsigned`: the limit, which is signed with the first events that are removed; None once it is.
    """
    last = UUID(int=0)
    while events := list(old.filter(pk__gt=last).order_by("pk")[:batch_size]):
        last = events[-1].pk
        ids = _that_may_go(events, using)
        try:
            count = persistently(partial(_remove, number, ids, unsigned, using), using)
        except ValueError as error:
            logger.error("%s: it keeps the rest; run realname_verify_audit", error)
            reason = f"seal {number}"
            append_durably(Event.CONTRADICTION, audit.Origin(), using=using, reason=reason)
            return
        if count:
            unsigned = None
            yield count


def _remove(number: int, ids: list[UUID], unsigned: datetime | None, using: str) -> int:
    """Remove the events, in one transaction with those of the limit and the list; return their number."""
    with durable(using):
        gone = audit.removed(number, using)
        there = AuditEvent.objects.using(using).filter(pk__in=ids)
        count, _ = there.delete()
        AuditAccess.objects.using(using).filter(event_id__in=ids).delete()
        if count:  # 0: another run removed them first
            if unsigned is not None:
                audit.append_limit(unsigned, using=using)
            audit.append_removal(number, gone | {id_.bytes for id_ in ids}, using=using)
    return count


def _that_may_go(events: list[AuditEvent], using: str) -> list[UUID]:
    """The events without the outcomes of records that contradict them, which prove the contradiction."""
    outcomes = {
        event.pk: event.verification_id for event in events if event.event in audit.OUTCOMES
    }
    theirs = [record for record in outcomes.values() if record]
    rows = list(Verification.objects.using(using).filter(pk__in=theirs))
    vouched = {row.pk for row in trust.vouched(rows, reads=False)}
    kept = {event for event, record in outcomes.items() if record not in vouched}
    return [event.pk for event in events if event.pk not in kept]


def expired(before: datetime, using: str | None = None) -> QuerySet[AuditEvent]:
    """The events that may be removed, unless a record contradicts the outcomes among them."""
    using = using or router.db_for_write(AuditEvent)
    seals = AuditSeal.objects.using(using).filter(created_at__lt=before)
    old = AuditEvent.objects.using(using).filter(seal__in=seals.values("number"))
    erased = Verification.objects.using(using).filter(
        pk=OuterRef("verification_id"), status=Verification.Status.ERASED
    )
    outcomes = old.filter(event__in=audit.OUTCOMES).exclude(Exists(erased))
    lasting = (*_LASTING, Event.EXPIRY)
    return old.exclude(event__in=lasting).exclude(pk__in=outcomes.values("pk"))
