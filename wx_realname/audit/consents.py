"""Consents vouched for by the trail: each stands as its last event says, each notice as published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from datetime import datetime, timezone
from typing import Any

from django.db.models import Exists, OuterRef

from .. import statements
from ..models import AuditEvent, Consent, Notice
from ..vault.blind_index import Digest
from . import keys
from .reading import stored
from .records import owners_of
from .trail import Origin, values_of

FORMAT = 1
BATCH = 1_000

Event = AuditEvent.Event
EVENTS = (Event.CONSENT_GIVEN, Event.CONSENT_WITHDRAWN)
Faults = Generator[str, None, None]

_as_json = json.JSONEncoder(separators=(",", ":")).encode


def append_consent(
    event: AuditEvent.Event, origin: Origin, consent: Consent, notice: Notice, *, using: str
) -> AuditEvent:
    """Add the event of a consent that was given or withdrawn, within the caller's transaction.

    It carries an HMAC over (id, user, notice's hash, given_at, withdrawn_at).
    """
    signature = digests(consent, str(consent.user_id or ""), notice.sha256)[0]
    values = values_of(event, origin, "") | {
        "user_id": str(consent.user_id or "")[:64],
        "verification_id": consent.verification_id,
        "consent_id": consent.pk,
        "purpose": notice.purpose,
        "outcome_hmac": signature.hex,
        "outcome_key_id": signature.key_id,
    }
    return statements.insert(AuditEvent, values, using)


def digests(consent: Consent, user_id: str, sha256: str) -> list[Digest]:
    """HMACs over what the consent says, the writing key's first."""
    times = (_moment(consent.given_at), _moment(consent.withdrawn_at))
    covered = [FORMAT, str(consent.pk), user_id, sha256, *times]
    return keys.index("audit.consent").digests(_as_json(covered))


def consent_faults() -> Faults:
    """Every notice, and every consent, that isn't as its events say."""
    for notice in stored(Notice).order_by("pk").iterator(BATCH):
        if hashlib.sha256(notice.text.encode()).hexdigest() != notice.sha256:
            yield f"notice {notice.pk}: its text was changed"
    last: Any = None
    while batch := _batch(last):
        yield from _wrong(batch)
        if last is not None and batch[-1].pk <= last:
            return  # ids that aren't spelt canonically are faults of their own
        last = batch[-1].pk
    yield from _removed()


def _batch(after: Any) -> list[Consent]:
    consents = stored(Consent).select_related("notice").order_by("pk")
    return list((consents.filter(pk__gt=after) if after else consents)[:BATCH])


def _wrong(batch: list[Consent]) -> Faults:
    events = stored(AuditEvent).filter(
        consent_id__in=[consent.pk for consent in batch], event__in=EVENTS
    )
    last = {event.consent_id: event for event in events.order_by("created_at", "id")}
    owners = owners_of(last[each.pk] for each in batch if each.user_id is None and each.pk in last)
    for consent in batch:
        event = last.get(consent.pk)
        if event is None:
            yield f"consent {consent.pk} was added: no event speaks of it"
        elif not _agrees(consent, event, owners):
            yield f"consent {consent.pk} was changed"


def _agrees(consent: Consent, event: AuditEvent, owners: set[str]) -> bool:
    """A deleted user leaves the consent without one. `owners`: users who are there."""
    deleted = consent.user_id is None and event.user_id not in owners
    user_id = event.user_id if deleted else str(consent.user_id or "")
    signed = digests(consent, user_id, consent.notice.sha256)
    withdrawn = event.event == Event.CONSENT_WITHDRAWN
    return (consent.withdrawn_at is not None) == withdrawn and keys.bears_out(
        signed, event.outcome_key_id, event.outcome_hmac
    )


def _removed() -> Faults:
    """Consents that events speak of, and that aren't there: none is ever deleted."""
    there = stored(Consent).filter(pk=OuterRef("consent_id"))
    given = stored(AuditEvent).filter(event=Event.CONSENT_GIVEN).filter(~Exists(there))
    for consent_id in given.values_list("consent_id", flat=True)[:BATCH]:
        yield f"consent {consent_id} was removed: events speak of it"


def _moment(value: datetime | None) -> str:
    return (
        "" if value is None else value.astimezone(timezone.utc).isoformat(timespec="microseconds")
    )
