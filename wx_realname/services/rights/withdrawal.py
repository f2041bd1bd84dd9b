"""Withdrawal: a purpose's services close at once; without any live consent all records are erased."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone

from ... import audit
from ...exceptions import NotFound
from ...models import AuditEvent, Consent, Verification
from ..transactions import durable
from . import consent as consents
from .erasure import ERASABLE, WITHDRAWN, erase_all, with_users


def withdraw(consent: Consent, *, user: Any, request: Any = None) -> list[Consent]:
    """Withdraw the user's consents to the purpose of that consent; returns them, newest first.

    Faces that wait under one of them are erased in the same transaction; when none of the user's consents
    is left, the personal data of all records, whatever their method. A pending attempt reads the consent
    again at its end, and is erased then. A second call changes nothing. Raises `NotFound` for another
    user's consent.
    """
    if consent.user_id != user.pk:
        raise NotFound
    using = router.db_for_write(Consent)
    origin = audit.Origin.of(user, request)
    purpose = consent.notice.purpose
    with durable(using):
        # of two purposes withdrawn at once, the later sees that it is the last
        consents.lock(user, using)
        for each in _of(user, using).filter(notice__purpose=purpose, withdrawn_at=None):
            _withdraw(each, origin, using)
        held = Verification.objects.using(using).of(user).filter(status__in=ERASABLE)
        if consents.live(user).exists():
            # the end of the query would erase these faces anyway
            waiting = Verification.Status.WAITING
            held = held.filter(status=waiting, consent__withdrawn_at__isnull=False)
        erase_all(list(with_users(held)), origin, WITHDRAWN, using)
    return list(_of(user, using).filter(notice__purpose=purpose))


def _of(user: Any, using: str) -> QuerySet[Consent]:
    mine = Consent.objects.using(using).filter(user_id=user.pk).select_related("notice")
    return mine.order_by("-given_at", "-id")


def _withdraw(consent: Consent, origin: audit.Origin, using: str) -> None:
    """Withdraw the consent, unless somebody else did so meanwhile."""
    consent.withdrawn_at = timezone.now()
    live = Consent.objects.using(using).filter(pk=consent.pk, withdrawn_at=None)
    if live.update(withdrawn_at=consent.withdrawn_at):
        event = AuditEvent.Event.CONSENT_WITHDRAWN
        audit.append_consent(event, origin, consent, consent.notice, using=using)
