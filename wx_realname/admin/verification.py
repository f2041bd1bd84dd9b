"""Verifications: masked values only, nothing is decrypted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from ..managers import VerificationQuerySet
from ..models import AuditEvent, Verification
from ..services.operation.remedies import words_of
from ..services.rights.erasure import ERASABLE
from ..wechat.verdicts import verdict_of
from .audit import STATUSES
from .filters import (
    DaysFilter,
    ErrcodeFilter,
    ErrorFilter,
    MerchantFilter,
    MethodFilter,
    StatusFilter,
    UserFilter,
)
from .names import shown, usernames
from .pages import ConsolePages

MOST_EVENTS = 200  # of one record's trail


@admin.register(Verification)
class VerificationAdmin(ConsolePages):
    list_display = (
        "when",
        "status",
        "name",
        "credential_id_masked",
        "merchant",
        "method",
        "error",
        "account_id",
    )
    list_filter = (
        DaysFilter,
        UserFilter,
        StatusFilter,
        MerchantFilter,
        MethodFilter,
        ErrorFilter,
        ErrcodeFilter,
    )
    ordering = ("-created_at", "-id")
    fields = (
        "id",
        "status",
        "account",
        "name",
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
        "verdict",
        "errmsg",
        "hint",
        "in_doubt",
        "duration_ms",
        "created_at",
        "started_at",
        "finished_at",
        "verified_at",
        "expires_at",
        "settled_at",
        "erased_at",
    )

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        rows: VerificationQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return rows.without_ciphertexts()

    def change_view(
        self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id)
        context = {}
        if row is not None and self.has_view_permission(request, row):
            context = self._beside(request, row)
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def _beside(self, request: Any, row: Verification) -> dict[str, Any]:
        """The record's trail, for who may see the trail, and what may be done with the record."""
        may, stored = request.user.has_perm, row.status == Verification.Status.VERIFIED
        return {
            "may_reveal": stored and may("wx_realname.reveal_verification"),
            "may_erase": row.status in ERASABLE and may("wx_realname.erase_verification"),
            "events": _trail(row) if may("wx_realname.view_auditevent") else None,
        }

    @admin.display(description=_("masked name"))
    def name(self, row: Verification) -> str | None:
        return row.real_name_shown

    @admin.display(description=_("user"))
    def account_id(self, row: Verification) -> str | None:
        """No name: that would take a join, or a citizen's openid onto every line."""
        return self.narrowed("verification", "user", row.user_id, row.user_id)

    @admin.display(description=_("WeChat face verdict"))
    def verdict(self, row: Verification) -> str | None:
        """The verify_ret, what it means, and what to do."""
        found = verdict_of(row.verify_ret)
        if found is None:
            return None
        words = words_of(found)
        return f"{found.verify_ret} {words.meaning}" + (f" · {words.remedy}" if found.code else "")

    @admin.display(description=_("user"))
    def account(self, row: Verification) -> str | None:
        return shown(row.user_id, usernames([row.user_id]))


def _trail(row: Verification) -> list[AuditEvent]:
    """The record's events, oldest first."""
    events = AuditEvent.objects.filter(verification_id=row.pk).order_by("created_at")[:MOST_EVENTS]
    trail = list(events)
    names = usernames(event.actor_id for event in trail)
    for event in trail:
        event.actor_shown = shown(event.actor_id, names)  # type: ignore[attr-defined]
        event.outcome_shown = STATUSES.get(event.status, event.status)  # type: ignore[attr-defined]
    return trail
