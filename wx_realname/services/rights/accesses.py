"""Accesses to records: for the citizen without officers' names, for an inquiry with the records' ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from ... import audit
from ...models import AuditAccess, AuditEvent, Verification
from .. import facts

Event = AuditEvent.Event

BATCH = 500  # records of a query

#: The kind of access that the citizen sees, by event.
WHAT = {
    Event.REVEAL: "reveal",
    Event.SEARCH: "search",
    Event.EXPORT_PART: "export",
    Event.COPY: "copy",
    Event.USE: "use",
}


@dataclass(frozen=True)
class Access:
    """One access to a record: when, what, by which office, and why."""

    at: datetime
    what: str
    by: str
    reason: str


def accesses_of(verification: Verification) -> QuerySet[AuditAccess]:
    """The links from the record to the events that reached it; `describe` takes a page of them."""
    return AuditAccess.objects.filter(verification_id=verification.pk)


def describe(links: Iterable[AuditAccess], user: Any) -> list[Access]:
    """These links to a record of the user's own, as the user may see them."""
    links = list(links)
    events = AuditEvent.objects.in_bulk({link.event_id for link in links})
    offices = _offices({event.actor_id for event in events.values()}, user)
    return [
        Access(
            link.created_at,
            WHAT.get(Event(event.event), event.event),
            offices.get(event.actor_id, _("staff")),
            event.purpose if event.event == Event.USE else _reason(event),
        )
        for link in links
        if (event := events.get(link.event_id))
    ]


def _reason(event: AuditEvent) -> str:
    """The reason that the officer gave; empty for a search."""
    if event.event == Event.SEARCH:
        return ""
    exported = facts.EXPORTED.fullmatch(event.reason) if event.event == Event.EXPORT_PART else None
    return exported["reason"] if exported else event.reason


def _offices(actors: set[str], user: Any) -> dict[str, str]:
    """The office of each actor: an officer's groups, never a name."""
    found = {"": _("the system"), str(user.pk): _("you")}
    model = get_user_model()
    known = audit.user_keys(actors - {str(user.pk)})
    try:
        officers = model.objects.filter(pk__in=known).prefetch_related("groups")
        for officer in officers:
            groups = sorted(group.name for group in officer.groups.all())
            found[str(officer.pk)] = ", ".join(groups) or _("staff")
    except (ValueError, AttributeError):  # a user model without groups
        pass
    return found


def account_id(text: str) -> str | None:
    """The id of the account with that user name; else the text, if it can be a deleted account's id."""
    model = get_user_model()
    if not text.isprintable():
        return None  # PostgreSQL takes neither NUL nor lone surrogates
    named = model._default_manager.filter(**{model.USERNAME_FIELD: text}).first()
    if named is not None:
        return str(named.pk)
    key = audit.user_key(text)
    return None if key is None else str(key)


@dataclass(frozen=True)
class Reach:
    """The records that an account reached, by id, and of how many persons they are."""

    records: list[UUID]
    persons: int

    @property
    def count(self) -> int:
        return len(self.records)


def reached(*, actor: Any, begin: datetime, end: datetime) -> Reach:
    """The records that the account reached from `begin` until before `end`, in any way.

    `actor` is the account's id. Records with one number count as one person, those without one
    as one for each user. A million ids take about 65 MB.
    """
    events = AuditEvent.objects.filter(
        actor_id=str(actor), created_at__gte=begin, created_at__lt=end, records__isnull=False
    )
    links = AuditAccess.objects.filter(event_id__in=events.values("pk"))
    # an expression: for DISTINCT on the column itself SQLite reads all links, in the order of its index
    links = links.annotate(record=Coalesce("verification_id", "verification_id"))
    records = list(links.order_by("record").values_list("record", flat=True).distinct())
    persons: set[str] = set()
    # not a join: PostgreSQL takes an export's links for each event's, and would read all records
    for start in range(0, len(records), BATCH):
        rows = Verification.objects.filter(pk__in=records[start : start + BATCH])
        for index, user_id, pk in rows.values_list("credential_id_index", "user_id", "pk"):
            persons.add(index or (f"user {user_id}" if user_id else str(pk)))
    return Reach(records, len(persons))
