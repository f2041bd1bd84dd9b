"""Verification of consents and notices: each must agree with the HMAC of its last event."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from .. import statements
from ..models import AuditEvent, Consent, Notice
from ..moments import utc_text
from ..vault.blind_index import Digest
from . import derived, keys
from .reading import batches, stored
from .records import owners_of
from .trail import Origin, id_text, signature_of, values_of

FORMAT = 1
BATCH = 1_000

Event = AuditEvent.Event
EVENTS = (Event.CONSENT_GIVEN, Event.CONSENT_WITHDRAWN)
Faults = Generator[str, None, None]


def append_notice(notice: Notice, *, using: str) -> AuditEvent:
    """Add the event of a notice that was published, within the caller's transaction.

    It has an HMAC over all fields of the notice.
    """
    values = {"purpose": notice.purpose} | signature_of(notice_digests(notice)[0])
    reason = f"{notice.version} ({notice.language}) {notice.pk}"
    values |= values_of(Event.NOTICE_PUBLISHED, Origin(), reason)
    return statements.insert(AuditEvent(**values), using)


def append_consent(
    event: AuditEvent.Event, origin: Origin, consent: Consent, notice: Notice, *, using: str
) -> AuditEvent:
    """Add the event of a consent that was given or withdrawn, within the caller's transaction.

    It has an HMAC over (id, user, notice's hash, given_at, withdrawn_at) and the row's other columns.
    """
    user_id = str(consent.user_id or "")
    digest = digests(consent, notice, user_id, consent.withdrawn_at)[0]
    values = {
        "user_id": id_text(consent.user_id),
        "verification_id": consent.verification_id,
        "consent_id": consent.pk,
        "purpose": notice.purpose,
    }
    values |= values_of(event, origin, "") | signature_of(digest)
    return statements.insert(AuditEvent(**values), using)


def digests(
    consent: Consent, notice: Notice, user_id: str, withdrawn_at: datetime | None
) -> list[Digest]:
    """HMACs over the consent, the writing key's first."""
    covered = [
        FORMAT,
        str(consent.pk),
        user_id,
        notice.sha256,
        utc_text(consent.given_at),
        utc_text(withdrawn_at),
        str(notice.pk),
        str(consent.verification_id or ""),
        str(consent.ip_address or ""),
    ]
    return keys.digests("audit.consent", covered)


def notice_digests(notice: Notice) -> list[Digest]:
    """HMACs over the notice, the writing key's first."""
    covered = [
        FORMAT,
        str(notice.pk),
        notice.purpose,
        notice.version,
        notice.language,
        notice.title,
        notice.sha256,
        notice.handler,
        notice.recipients,
        notice.retention_days,
        utc_text(notice.published_at),
    ]
    return keys.digests("audit.notice", covered)


def consent_faults() -> Faults:
    """Every notice and every consent that contradicts its events."""
    notices = {notice.pk: notice for notice in stored(Notice).order_by("pk")}
    yield from _wrong_notices(notices.values())
    # no join: it would hide a consent whose notice is gone
    for batch in batches(stored(Consent), BATCH):
        yield from _wrong_consents(batch, notices)
    yield from _removed_consents()


def _wrong_notices(notices: Iterable[Notice]) -> Faults:
    """Compares notices with the events of their publication. They are few."""
    events = _vouching(event=Event.NOTICE_PUBLISHED)
    for notice in notices:
        if hashlib.sha256(notice.text.encode()).hexdigest() != notice.sha256:
            yield _("notice %(id)s: its text was changed") % {"id": notice.pk}
        signatures = notice_digests(notice)
        found = next((event for event in events if keys.signed(event, signatures)), None)
        if found is None:
            yield (
                _("notice %(id)s was changed or added: no event is about it") % {"id": notice.pk}
            )
        else:
            events.remove(found)
    for event in events:
        yield _("event %(event)s: the notice %(purpose)s %(version)s was changed or removed") % {
            "event": event.pk,
            "purpose": event.purpose,
            "version": event.reason,
        }


def _wrong_consents(batch: list[Consent], notices: Mapping[UUID, Notice]) -> Faults:
    ids = [consent.pk for consent in batch]
    spoken: dict[Any, list[AuditEvent]] = {}
    for event in _vouching(consent_id__in=ids, event__in=EVENTS):
        spoken.setdefault(event.consent_id, []).append(event)
    ownerless = [each.pk for each in batch if each.user_id is None]
    owners = owners_of(event for pk in ownerless for event in spoken.get(pk, ()))
    for consent in batch:
        events, notice = spoken.get(consent.pk, []), notices.get(consent.notice_id)
        if not events:
            yield _("consent %(id)s was added: no event is about it") % {"id": consent.pk}
        elif notice is None or not _agree(consent, notice, events, owners):
            yield _("consent %(id)s was changed") % {"id": consent.pk}


def _agree(consent: Consent, notice: Notice, events: list[AuditEvent], owners: set[str]) -> bool:
    """One event of each kind must agree: a later copy of the first would undo a withdrawal."""
    wanted = sorted(EVENTS if consent.withdrawn_at else EVENTS[:1])
    kinds = sorted(event.event for event in events)
    return kinds == wanted and all(_agrees(consent, notice, event, owners) for event in events)


def _agrees(consent: Consent, notice: Notice, event: AuditEvent, owners: set[str]) -> bool:
    """A deleted user's consent has no user any more. `owners`: the users who exist."""
    deleted = consent.user_id is None and event.user_id not in owners
    user_id = event.user_id if deleted else str(consent.user_id or "")
    withdrawn_at = consent.withdrawn_at if event.event == Event.CONSENT_WITHDRAWN else None
    return keys.signed(event, digests(consent, notice, user_id, withdrawn_at))


def _vouching(**chosen: Any) -> list[AuditEvent]:
    """The events that match, without those whose key is no longer trusted."""
    return derived.trusted(stored(AuditEvent).filter(**chosen))


def _removed_consents() -> Faults:
    """Consents that events are about and that don't exist: a consent is never deleted."""
    there = stored(Consent).filter(pk=OuterRef("consent_id"))
    given = stored(AuditEvent).filter(event__in=EVENTS).filter(~Exists(there))
    for consent_id in given.values_list("consent_id", flat=True).distinct()[:BATCH]:
        yield _("consent %(id)s was removed: events are about it") % {"id": consent_id}
