"""Consent: a row for each attempt, made in the transaction that reserves the attempt's record."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone

from ... import audit, conf, statements
from ...exceptions import ConsentRequired, NotAuthenticated, RealNameRequired
from ...models import AuditEvent, Consent, Notice, Verification
from ..transactions import durable
from . import notices


def notice_in_force(notice: Any) -> Notice | None:
    """The notice with that id, which the citizen agreed to; None where no id is given or needed.

    Raises `ConsentRequired` where CONSENT is "required" and no id is given, `InvalidRequest` for an id
    of no published notice, and for a version that was superseded.
    """
    if notice in (None, ""):
        if conf.current().consent == "required":
            raise ConsentRequired
        return None
    return notices.published(notice)


def give(
    notice: Notice,
    *,
    user: Any,
    origin: audit.Origin,
    verification_id: UUID | None,
    given_at: datetime,
    using: str,
) -> Consent:
    """Store the user's consent to the notice, and its event, within the caller's transaction."""
    consent = Consent(
        user_id=user.pk,
        notice=notice,
        verification_id=verification_id,
        given_at=given_at,
        ip_address=origin.ip_address,
    )
    statements.insert(consent, using)
    event = AuditEvent.Event.CONSENT_GIVEN
    audit.append_consent(event, origin, consent, notice, using=using)
    return consent


def consent_to(*, user: Any, notice: Any, request: Any = None) -> Consent:
    """Store a verified user's consent to another purpose: no new verification is needed.

    Raises `RealNameRequired` for a user who isn't verified, `InvalidRequest` for a notice not in force.
    """
    if getattr(user, "pk", None) is None:
        raise NotAuthenticated
    found = notices.published(notice)
    if Verification.objects.current_for(user) is None:
        raise RealNameRequired
    using = router.db_for_write(Consent)
    with durable(using):
        return give(
            found,
            user=user,
            origin=audit.Origin.of(user, request),
            verification_id=None,
            given_at=timezone.now(),
            using=using,
        )


def live(user: Any) -> QuerySet[Consent]:
    """The user's consents that weren't withdrawn."""
    consents = Consent.objects.using(router.db_for_write(Consent))
    return consents.filter(user_id=user.pk, withdrawn_at=None)


def lock(user: Any, using: str) -> None:
    """Lock the user's consents until the transaction ends.

    Consents are locked before records: in the other order, two transactions could wait for each other.
    """
    consents = Consent.objects.using(using).filter(user_id=user.pk)
    list(consents.order_by("pk").select_for_update().values_list("pk"))


def has_consent(user: Any, purpose: str) -> bool:
    """Whether the user has a live consent to the purpose."""
    return live(user).filter(notice__purpose=purpose).exists()
