"""Audit events, newest first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .. import audit
from ..models import AuditEvent, Verification
from . import clock, ids, sentences
from .affected import AffectedPage
from .filters import (
    ActorFilter,
    DaysFilter,
    ErrcodeFilter,
    ErrorFilter,
    EventFilter,
    MerchantFilter,
    MethodFilter,
    StatusFilter,
    UserFilter,
)
from .integrity import glance
from .names import NOTHING, shown, usernames, yes_or_no

STATUSES = dict(Verification.Status.choices)


def annotate(event: AuditEvent) -> AuditEvent:
    """The event, with its reason as a sentence. Its outcome is shown only if the event ended an attempt."""
    event.sentence = sentences.sentence(event)  # type: ignore[attr-defined]
    is_outcome = event.event in audit.OUTCOMES
    event.outcome_shown = STATUSES.get(event.status, event.status) if is_outcome else ""  # type: ignore[attr-defined]
    return event


def name_actors(events: list[AuditEvent]) -> None:
    """Give each event its actor's name, in one query."""
    names = usernames(event.actor_id for event in events)
    for event in events:
        event.actor_shown = shown(event.actor_id, names)  # type: ignore[attr-defined]


def above(text: Any, below: Any) -> str:
    """Two lines of one cell."""
    if not below:
        return str(text)
    return format_html('{} <span class="wx-under">{}</span>', text, below)


@admin.register(AuditEvent)
class AuditEventAdmin(AffectedPage):
    list_display = ("when", "what", "who", "about", "rows")
    list_filter = (
        DaysFilter,
        ActorFilter,
        UserFilter,
        EventFilter,
        StatusFilter,
        MerchantFilter,
        MethodFilter,
        ErrorFilter,
        ErrcodeFilter,
    )
    ordering = ("-created_at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "event",
                    "moment",
                    "actor",
                    "ip_address",
                    "sentence",
                    "case_number",
                    "outcome",
                    "record",
                    "account_id",
                    "reached",
                    "under_18",
                )
            },
        ),
        (
            _("Technical details"),
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    "reason",
                    "purpose",
                    "merchant",
                    "method",
                    "attempt",
                    "error_code",
                    "errcode",
                    "duration_ms",
                    "seal",
                ),
            },
        ),
    )

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "integrity": glance})

    def prepare(self, rows: list[AuditEvent]) -> None:
        name_actors(rows)

    def fold(self, request: Any, rows: list[AuditEvent]) -> list[AuditEvent]:
        """Consecutive seals become one line that opens, except where the list is filtered by seals."""
        if request.GET.get("event") == AuditEvent.Event.SEAL:
            return rows
        lines: list[Any] = []
        for row in rows:
            if lines and row.event == lines[-1].event == AuditEvent.Event.SEAL:
                lines[-1].folded.append(row)
            else:
                row.folded = []  # type: ignore[attr-defined]
                lines.append(row)
        return lines

    def beside(self, request: Any, row: AuditEvent) -> dict[str, Any]:
        return {"title": str(row.get_event_display())}

    # --- a line of the list ---------------------------------------------------------------------

    @admin.display(description=_("event"))
    def what(self, event: AuditEvent) -> str:
        """What happened, how it ended, and why."""
        if folded := getattr(event, "folded", None):
            return self._folded([event, *folded])
        return render_to_string("admin/wx_realname/event.html", {"event": annotate(event)})

    @admin.display(description=_("actor"))
    def who(self, event: AuditEvent) -> str:
        """The actor, and the IP address below it: in one column, both fit into a narrow window."""
        return above(self.actor(event), event.ip_address)

    @admin.display(description=_("verification"))
    def about(self, event: AuditEvent) -> str | None:
        """The record, and its user."""
        link = self.narrowed("auditevent", "user", event.user_id)
        user = format_html("{} {}", _("user"), link) if link else ""
        if event.verification_id is None:
            return user or None
        address = self.address("verification", "change", event.verification_id)
        return above(ids.short(event.verification_id, address), user)

    @admin.display(description=_("records"))
    def rows(self, event: AuditEvent) -> str | None:
        count = sentences.rows_of(event)
        return None if count is None else f"{count:,}"

    # --- an event's own page ---------------------------------------------------------------------

    @admin.display(description=_("time"))
    def moment(self, event: AuditEvent) -> str:
        return clock.moment(event.created_at)

    @admin.display(description=_("actor"))
    def actor(self, event: AuditEvent) -> str:
        if not hasattr(event, "actor_shown"):
            name_actors([event])
        name = event.actor_shown  # type: ignore[attr-defined]
        link = self.narrowed("auditevent", "actor", event.actor_id, name)
        return link or str(_("the system"))

    @admin.display(description=_("user"))
    def account_id(self, event: AuditEvent) -> str:
        return self.narrowed("auditevent", "user", event.user_id) or NOTHING

    @admin.display(description=_("reason"))
    def sentence(self, event: AuditEvent) -> str:
        return sentences.sentence(event)

    @admin.display(description=_("status"))
    def outcome(self, event: AuditEvent) -> str:
        return str(STATUSES.get(event.status, event.status))

    @admin.display(description=_("under 18"))
    def under_18(self, event: AuditEvent) -> Any:
        return yes_or_no(event.minor)

    @admin.display(description=_("verification"))
    def record(self, event: AuditEvent) -> str:
        record = event.verification_id
        return self.link("verification", record, record) if record else NOTHING

    @admin.display(description=_("records"))
    def reached(self, event: AuditEvent) -> str:
        return self.rows(event) or NOTHING

    def _folded(self, events: list[AuditEvent]) -> str:
        title = ngettext(
            "%(count)d seal, since %(time)s", "%(count)d seals, since %(time)s", len(events)
        )
        rows = ((self.address("auditevent", "change", one.pk), self.when(one)) for one in events)
        return format_html(
            "<details><summary>{}</summary><ul>{}</ul></details>",
            title % {"count": len(events), "time": clock.second(events[-1].created_at)},
            format_html_join("", '<li><a href="{}">{}</a></li>', rows),
        )
