"""The trail's end: old events go, their leaf hashes stay in the seals, and the chain still verifies.

Only whole seals that are older than the limit lose events. What the records that still hold something
stand on stays: their outcomes, and every consent's events. The limit itself is an event with an HMAC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ... import audit
from ...exceptions import ConfigurationError
from ...models import AuditAccess, AuditEvent, AuditSeal, Verification
from ..transactions import durable

BATCH = 1_000  # events of one transaction
LEAST = timedelta(days=3 * 365 + 1)  # the law's three years

Event = AuditEvent.Event
_LASTING = (Event.CONSENT_GIVEN, Event.CONSENT_WITHDRAWN, Event.NOTICE_PUBLISHED)


def expire(before: datetime, *, batch_size: int = BATCH, force: bool = False) -> Iterator[int]:
    """Remove what is older, and yield how many events went with each transaction.

    Raises `ConfigurationError` for a limit under three years ago without `force`. It can be stopped and run
    again, and run twice at once.
    """
    if before > timezone.now() - LEAST and not force:
        raise ConfigurationError(
            "The trail is kept for three years at least: give an earlier day, or --force."
        )
    using = router.db_for_write(AuditEvent)
    if not expired(before, using).exists():
        return
    with durable(using):
        audit.append_expiry(before, using=using)
    numbers = expired(before, using).order_by("seal").values_list("seal", flat=True).distinct()
    for number in list(numbers):
        yield from _of_seal(number, expired(before, using).filter(seal=number), batch_size, using)


def _of_seal(number: Any, old: QuerySet[AuditEvent], batch_size: int, using: str) -> Iterator[int]:
    """The events go together with the event that names them: what else is missing is found."""
    seal = AuditSeal.objects.using(using).get(number=number)
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:batch_size]):
        with transaction.atomic(using=using):
            count, _ = AuditEvent.objects.using(using).filter(pk__in=ids).delete()
            AuditAccess.objects.using(using).filter(event_id__in=ids).delete()
            if count:  # else another run of this was faster
                audit.append_removal(seal, using=using)
        yield count


def expired(before: datetime, using: str | None = None) -> QuerySet[AuditEvent]:
    """The events that may go."""
    using = using or router.db_for_write(AuditEvent)
    seals = AuditSeal.objects.using(using).filter(created_at__lt=before)
    old = AuditEvent.objects.using(using).filter(seal__in=seals.values("number"))
    alive = Verification.objects.using(using).filter(pk=OuterRef("verification_id"))
    kept = Exists(alive.exclude(status=Verification.Status.ERASED))
    outcomes = old.filter(event__in=audit.OUTCOMES).filter(kept)
    lasting = (*_LASTING, Event.EXPIRY)
    return old.exclude(event__in=lasting).exclude(pk__in=outcomes.values("pk"))
