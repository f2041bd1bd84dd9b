"""Audit events, newest first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ..models import AuditEvent, Verification
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
from .names import shown, usernames

STATUSES = dict(Verification.Status.choices)


@admin.register(AuditEvent)
class AuditEventAdmin(AffectedPage):
    list_display = (
        "when",
        "event",
        "actor",
        "reason",
        "outcome",
        "error",
        "account_id",
        "record",
        "ip_address",
        "seal",
    )
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
    fields = (
        "id",
        "when",
        "event",
        "actor",
        "ip_address",
        "reason",
        "case_number",
        "minor",
        "account_id",
        "record",
        "records",
        "purpose",
        "merchant",
        "method",
        "outcome",
        "attempt",
        "error_code",
        "errcode",
        "duration_ms",
        "seal",
    )

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "integrity": glance})

    def prepare(self, rows: list[AuditEvent]) -> None:
        names = usernames(row.actor_id for row in rows)
        for row in rows:
            row.actor_shown = shown(row.actor_id, names)  # type: ignore[attr-defined]

    @admin.display(description=_("actor"))
    def actor(self, event: AuditEvent) -> str | None:
        if not hasattr(event, "actor_shown"):
            self.prepare([event])
        return self.narrowed("auditevent", "actor", event.actor_id, event.actor_shown)  # type: ignore[attr-defined]

    @admin.display(description=_("user"))
    def account_id(self, event: AuditEvent) -> str | None:
        return self.narrowed("auditevent", "user", event.user_id, event.user_id)

    @admin.display(description=_("status"))
    def outcome(self, event: AuditEvent) -> str:
        return str(STATUSES.get(event.status, event.status))

    @admin.display(description=_("verification"))
    def record(self, event: AuditEvent) -> str | None:
        record = event.verification_id
        return self.link("verification", record, record) if record else None
