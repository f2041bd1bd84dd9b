"""Four eyes: one officer asks for a plain export, another releases it, and the first runs it once.

A request's row alone proves nothing: events with an HMAC must confirm that it was asked for and released.
So nobody can release an export by writing to the database without a key.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import audit, conf
from ...exceptions import InvalidRequest, NotFound, PermissionDenied
from ...models import AuditEvent, ExportRequest
from ...uuid7 import uuid7
from .. import facts
from ..once import durable_once
from ..reasons import require_reason
from ..transactions import append_durably, durable
from .refusal import refused

logger = logging.getLogger(__name__)

Event = AuditEvent.Event

VALID = timedelta(days=1)  # from the request to the release, and from the release to the run
MAX_REASON = 100  # characters; the event holds the filters beside it
MAX_FILTERS = 128  # characters; the events hold them beside the reason

NOT_RELEASED = _(
    "FOUR_EYES: ask for this export first; another officer has to release it within a day."
)
TOO_LONG = _("The filters are too long for FOUR_EYES: set fewer of them.")


class State(TextChoices):
    """The state of a request."""

    WAITING = "waiting", _("waits for another officer")
    RELEASED = "released", _("released")
    RUN = "run", _("run")
    EXPIRED = "expired", _("expired")


def state_of(request: ExportRequest) -> State:
    """The state of the request now."""
    if request.used_at:
        return State.RUN
    if (request.released_at or request.asked_at) <= timezone.now() - VALID:
        return State.EXPIRED
    return State.RELEASED if request.released_at else State.WAITING


class NotReleased(InvalidRequest):
    """FOUR_EYES is on, and no other officer released this export."""


def ask(
    *,
    actor: Any,
    reason: str,
    chosen: str,
    case_number: str = "",
    request: Any = None,
    request_id: UUID | None = None,
) -> ExportRequest:
    """Ask for a plain export of the records that these filters choose.

    `request_id` is the request's id: a second call with it raises `AlreadySent`.
    Raises `InvalidRequest` without a reason, or with filters longer than MAX_FILTERS.
    """
    require_reason(reason, MAX_REASON, case_number=case_number)
    if len(chosen) > MAX_FILTERS:
        raise InvalidRequest(errors={"content": [str(TOO_LONG)]})
    using = router.db_for_write(ExportRequest)
    with durable_once(ExportRequest, request_id, using):
        asked = ExportRequest.objects.using(using).create(
            id=request_id or uuid7(),
            actor_id=str(actor.pk),
            reason=reason,
            case_number=case_number,
            filters=chosen,
            asked_at=timezone.now(),
        )
        origin = audit.Origin.of(actor, request)
        audit.append_request(Event.EXPORT_REQUESTED, origin, asked, using=using)
    return asked


def release(request_id: Any, *, actor: Any, request: Any = None) -> ExportRequest:
    """Release another officer's request. Nobody releases his own, not even a superuser.

    The caller checks the permission to export in plain text. Raises `NotFound` for a request that was
    released before, is older than a day, or was changed since; `PermissionDenied` for the actor's own.
    """
    using = router.db_for_write(ExportRequest)
    now = timezone.now()
    open_ = ExportRequest.objects.using(using).filter(
        pk=request_id, released_at=None, used_at=None, asked_at__gt=now - VALID
    )
    found = open_.first()
    if found is None:
        raise NotFound
    if found.actor_id == str(actor.pk):
        refused(actor=actor, permission=facts.own_release(found.pk), request=request)
        raise PermissionDenied
    origin = audit.Origin.of(actor, request)
    if not _is_vouched_for(Event.EXPORT_REQUESTED, found, origin, using):
        raise NotFound
    with durable(using):
        if not open_.update(released_by=str(actor.pk), released_at=now):
            raise NotFound
        found.released_by, found.released_at = str(actor.pk), now
        audit.append_request(Event.EXPORT_RELEASED, origin, found, using=using)
    return found


def use(*, actor: Any, chosen: str) -> ExportRequest | None:
    """Take the actor's released request for these filters; it serves once. None where FOUR_EYES is off.

    Raises `NotReleased` when there is none.
    """
    if not conf.current().four_eyes:
        return None
    using = router.db_for_write(ExportRequest)
    now = timezone.now()
    released = ExportRequest.objects.using(using).filter(
        actor_id=str(getattr(actor, "pk", "")),
        filters=chosen,
        released_at__gt=now - VALID,
        used_at=None,
    )
    for each in released.order_by("released_at"):
        mine = ExportRequest.objects.using(using).filter(pk=each.pk, used_at=None)
        if _may_run(each, audit.Origin.of(actor), using) and mine.update(used_at=now):
            return each
    raise NotReleased(errors={"content": [str(NOT_RELEASED)]})


def _may_run(request: ExportRequest, origin: audit.Origin, using: str) -> bool:
    """Whether the trail confirms that another officer released it, and that it wasn't run yet."""
    return (
        request.released_by not in ("", request.actor_id)
        and _is_vouched_for(Event.EXPORT_RELEASED, request, origin, using)
        and not audit.has_run(request, using=using)
    )


def _is_vouched_for(
    event: AuditEvent.Event, request: ExportRequest, origin: audit.Origin, using: str
) -> bool:
    """Whether the trail has that event of the request. If not, it is logged, and an event is added."""
    if audit.vouches_for_request(event, request, using=using):
        return True
    logger.error("request %s for an export contradicts its trail", request.pk)
    append_durably(Event.CONTRADICTION, origin, using=using, reason=f"request {request.pk}")
    return False
