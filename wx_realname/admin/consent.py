"""Notices and consents: what citizens were shown, who agreed when, and who withdrew."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from ..models import Consent, Notice
from . import clock
from .filters import DaysFilter
from .names import shown, usernames
from .read_only import ReadOnlyAdmin, moment_of


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("when", "purpose", "version", "language", "title", "handler", "retention_days")
    list_filter = (DaysFilter,)
    ordering = ("-published_at", "-id")
    fields = (
        "id",
        "purpose",
        "version",
        "language",
        "title",
        "text",
        "sha256",
        "handler",
        "recipients",
        "retention_days",
        "published",
    )
    published = moment_of("published_at", _("published at"))

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """With the time by which lists are ordered."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(created_at=F("published_at"))
        return rows


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("when", "purpose", "version", "account_id", "record", "withdrawn")
    list_filter = (DaysFilter,)
    ordering = ("-given_at", "-id")
    fields = (
        "id",
        "account",
        "shown_notice",
        "sha256",
        "record",
        "given",
        "ended",
        "ip_address",
    )
    given = moment_of("given_at", _("given at"))
    ended = moment_of("withdrawn_at", _("withdrawn at"))

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """With the time by which lists are ordered."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(created_at=F("given_at"))
        return rows.select_related("notice")

    def beside(self, request: Any, row: Consent) -> dict[str, Any]:
        return {"title": str(row.notice), "subtitle": clock.moment(row.given_at)}

    @admin.display(description=_("purpose"))
    def purpose(self, row: Consent) -> str:
        return row.notice.purpose

    @admin.display(description=_("version"))
    def version(self, row: Consent) -> str:
        return f"{row.notice.version} ({row.notice.language})"

    @admin.display(description=_("user"))
    def account_id(self, row: Consent) -> Any:
        """No name: it may be the citizen's openid."""
        return row.user_id

    @admin.display(description=_("user"))
    def account(self, row: Consent) -> str | None:
        return shown(row.user_id, usernames([row.user_id]))

    @admin.display(description=_("withdrawn at"))
    def withdrawn(self, row: Consent) -> str | None:
        return clock.second(row.withdrawn_at) if row.withdrawn_at else None

    @admin.display(description=_("notice"))
    def shown_notice(self, row: Consent) -> str:
        return self.link("notice", row.notice_id, row.notice)

    @admin.display(description=_("SHA-256 of the text"))
    def sha256(self, row: Consent) -> str:
        return row.notice.sha256

    @admin.display(description=_("verification"))
    def record(self, row: Consent) -> str | None:
        record = row.verification_id
        return self.link("verification", record, record) if record else None
