"""Requests for plain exports: events with an HMAC prove that they were asked for, and released."""

from __future__ import annotations

from typing import Any

from .. import statements
from ..models import AuditEvent, ExportRequest
from ..moments import utc_text
from ..vault.blind_index import Digest
from . import derived, keys
from .trail import Origin, signature_of, values_of

FORMAT = 1

Event = AuditEvent.Event


def append_request(
    event: AuditEvent.Event, origin: Origin, request: ExportRequest, *, using: str
) -> AuditEvent:
    """Add the event of a request that was asked for or released, within the caller's transaction.

    It has an HMAC over the request as it is then.
    """
    reason = f"request {request.pk}; {request.filters}; {request.reason}"
    values = values_of(event, origin, reason) | _whose(event, request)
    values |= {"case_number": request.case_number} | signature_of(_digests(event, request)[0])
    return statements.insert(AuditEvent(**values), using)


def vouches_for_request(event: AuditEvent.Event, request: ExportRequest, *, using: str) -> bool:
    """Whether the trail has such an event that agrees with the stored request: one indexed read."""
    events = AuditEvent.objects.using(using).filter(event=event, **_whose(event, request))
    digests = _digests(event, request)
    return any(keys.signed(each, digests) for each in derived.trusted(events))


def has_run(request: ExportRequest, *, using: str) -> bool:
    """Whether the trail has an export by that request."""
    theirs = AuditEvent.objects.using(using).filter(
        event=Event.EXPORT, actor_id=request.actor_id, created_at__gte=request.released_at
    )
    return theirs.filter(reason__contains=f"request {request.pk};").exists()


def _whose(event: AuditEvent.Event, request: ExportRequest) -> dict[str, Any]:
    """Who asked or released, and when: by these the event is found."""
    if event == Event.EXPORT_RELEASED:
        return {"actor_id": request.released_by, "created_at": request.released_at}
    return {"actor_id": request.actor_id, "created_at": request.asked_at}


def _digests(event: AuditEvent.Event, request: ExportRequest) -> list[Digest]:
    """HMACs over the request, the writing key's first; over its release, too, where that is the event."""
    covered = [
        FORMAT,
        str(event),
        str(request.pk),
        request.actor_id,
        request.reason,
        request.case_number,
        request.filters,
        utc_text(request.asked_at),
    ]
    if event == Event.EXPORT_RELEASED:
        covered += [request.released_by, utc_text(request.released_at)]
    return keys.digests("audit.request", covered)
