"""Verifications: masked values only, nothing is decrypted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from ..models import Verification
from .read_only import ReadOnlyAdmin


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "status",
        "real_name_masked",
        "credential_id_masked",
        "merchant",
        "error_code",
        "errcode",
        "user_id",
    )
    list_display_links = ("created_at",)
    ordering = ("-created_at", "-id")
    fields = (
        "id",
        "status",
        "user_id",
        "real_name_masked",
        "credential_id_masked",
        "check_digit_valid",
        "merchant",
        "mch_id",
        "app_id",
        "cert_serialno",
        "method",
        "consent",
        "attempt",
        "error_code",
        "errcode",
        "errmsg",
        "hint",
        "in_doubt",
        "duration_ms",
        "created_at",
        "started_at",
        "finished_at",
        "verified_at",
        "erased_at",
    )

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).defer("real_name_encrypted", "credential_id_encrypted")
