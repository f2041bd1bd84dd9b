"""Four eyes: a plain export is asked for by one officer, released by another, and run once by the first.

The rows say what is to be done; that it was asked for and released is for the trail to say. Whoever can
write to the database, and has no key, can release nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import router
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import audit, conf
from ...exceptions import InvalidRequest, NotFound, PermissionDenied
from ...models import AuditEvent, ExportRequest
from .. import facts
from ..reasons import require_reason
from ..transactions import durable
from .refusal import refused

logger = logging.getLogger(__name__)

Event = AuditEvent.Event

VALID = timedelta(days=1)  # from the asking to the release, and from there to the run
MAX_REASON = 100
MAX_FILTERS = 128  # all of it stands in the events, beside the reason

NOT_RELEASED = _(
    "FOUR_EYES: ask for this export first; another officer has to release it within a day."
)
TOO_LONG = _("The filters are too long for FOUR_EYES: set fewer of them.")


class State(TextChoices):
    """What has become of a request."""

    WAITING = "waiting", _("waits for another officer")
    RELEASED = "released", _("released")
    RUN = "run", _("run")
    EXPIRED = "expired", _("expired")


def state_of(request: ExportRequest) -> State:
    """What has become of it by now."""
    if request.used_at:
        return State.RUN
    if (request.released_at or request.asked_at) <= timezone.now() - VALID:
        return State.EXPIRED
    return State.RELEASED if request.released_at else State.WAITING


class NotReleased(InvalidRequest):
    """FOUR_EYES, and no other officer released this export."""


def ask(
    *, actor: Any, reason: str, chosen: str, case_number: str = "", request: Any = None
) -> ExportRequest:
    """Ask for a plain export of what these filters choose.

    Raises `InvalidRequest` without a reason, or with filters longer than MAX_FILTERS.
    """
    require_reason(reason, MAX_REASON, case_number=case_number)
    if len(chosen) > MAX_FILTERS:
        raise InvalidRequest(errors={"content": [str(TOO_LONG)]})
    using = router.db_for_write(ExportRequest)
    with durable(using):
        made = ExportRequest.objects.using(using).create(
            actor_id=str(actor.pk),
            reason=reason,
            case_number=case_number,
            filters=chosen,
            asked_at=timezone.now(),
        )
        origin = audit.Origin.of(actor, request)
        audit.append_request(Event.EXPORT_REQUESTED, origin, made, using=using)
    return made


def release(request_id: Any, *, actor: Any, request: Any = None) -> ExportRequest:
    """Release another officer's request. Nobody releases his own, not even a superuser.

    Whether the actor may export in plain text is for the caller to decide. Raises `NotFound` for a
    request that is released already, older than a day, or not as it was asked for; `PermissionDenied` for
    one's own.
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
    """The actor's released request for these filters, taken: once. None where FOUR_EYES is off.

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
    """Whether the trail says that another officer released it, and doesn't say that it was run."""
    return (
        request.released_by not in ("", request.actor_id)
        and _is_vouched_for(Event.EXPORT_RELEASED, request, origin, using)
        and not audit.has_run(request, using=using)
    )


def _is_vouched_for(
    event: AuditEvent.Event, request: ExportRequest, origin: audit.Origin, using: str
) -> bool:
    """Whether the trail has that event of the request; else it is logged, and leaves an event of its own."""
    if audit.vouches_for_request(event, request, using=using):
        return True
    logger.error("request %s for an export contradicts its trail", request.pk)
    with durable(using):
        audit.append(Event.CONTRADICTION, origin, using=using, reason=f"request {request.pk}")
    return False
