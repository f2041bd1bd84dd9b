"""Audit events, newest first."""

from __future__ import annotations

from django.contrib import admin

from ..models import AuditEvent
from .read_only import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "event",
        "status",
        "error_code",
        "errcode",
        "merchant",
        "user_id",
        "actor_id",
        "ip_address",
        "verification_id",
    )
    ordering = ("-created_at", "-id")
