"""Verifications: masked values only, nothing is decrypted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..managers import VerificationQuerySet
from ..models import AuditEvent, Verification
from ..services.operation.remedies import words_of
from ..services.rights.erasure import ERASABLE
from ..wechat.verdicts import verdict_of
from . import clock, states
from .audit import above, annotate, name_actors
from .export_pages import ExportPages
from .filters import (
    DaysFilter,
    ErrcodeFilter,
    ErrorFilter,
    MerchantFilter,
    MethodFilter,
    StatusFilter,
    UserFilter,
)
from .names import NOTHING, shown, usernames, yes_or_no
from .pages import RecordPages
from .read_only import moment_of

MOST_EVENTS = 200  # of one record's trail


@admin.register(Verification)
class VerificationAdmin(RecordPages, ExportPages):
    list_display = (
        "when",
        "outcome",
        "name",
        "credential_id_masked",
        "merchant",
        "method",
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
    technical = (
        "id",
        "merchant",
        "mch_id",
        "app_id",
        "cert_serialno",
        "attempt",
        "error_code",
        "errcode",
        "errmsg",
        "hint",
        "check_digit",
        "duration_ms",
        "started",
        "finished",
        "settled",
    )

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """What a clerk asks first; the rest is folded."""
        row = obj or Verification()
        dates = [name for name in ("verified", "expires", "erased") if getattr(row, f"{name}_at")]
        verdict = ["verdict"] if row.verify_ret is not None else []
        top = ["name", "credential_id_masked", "state", *verdict, "created", *dates]
        top += ["shown_method", "shown_consent", "account"]
        technical = list(self.technical)
        (top if row.in_doubt else technical).append("doubt")
        folded = {"classes": ("collapse",), "fields": technical}
        return ((None, {"fields": top}), (_("Technical details"), folded))

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        rows: VerificationQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return rows.without_ciphertexts()

    def beside(self, request: Any, row: Verification) -> dict[str, Any]:
        """With the record's trail, for who may see the trail, and what may be done with the record."""
        name = row.real_name_shown or capfirst(row._meta.verbose_name)
        may, stored = request.user.has_perm, row.status == Verification.Status.VERIFIED
        events = _trail(row) if may("wx_realname.view_auditevent") else None
        return {
            "title": f"{name} · {row.get_status_display()}",
            "may_reveal": stored and may("wx_realname.reveal_verification"),
            "may_erase": row.status in ERASABLE and may("wx_realname.erase_verification"),
            "events": events and events[:MOST_EVENTS],
            "events_cut": events is not None and len(events) > MOST_EVENTS,
        }

    @admin.display(description=_("status"))
    def outcome(self, row: Verification) -> str:
        return above(self.badge(row), self.error(row))

    def badge(self, row: Verification) -> str:
        return format_html(
            '<span class="wx-badge wx-{}">{}</span>', row.status, row.get_status_display()
        )

    @admin.display(description=_("status"))
    def state(self, row: Verification) -> str:
        """With its meaning, and what to do."""
        words = states.words_of(row)
        return format_html(
            '{} <span class="wx-words">{} <strong>{}</strong></span>',
            self.badge(row),
            words.meaning,
            words.remedy,
        )

    @admin.display(description=_("masked name"))
    def name(self, row: Verification) -> str:
        return row.real_name_shown or NOTHING

    @admin.display(description=_("user"))
    def account_id(self, row: Verification) -> str | None:
        """No name: that would take a join, or a citizen's openid onto every line."""
        return self.narrowed("verification", "user", row.user_id)

    @admin.display(description=_("WeChat face verdict"))
    def verdict(self, row: Verification) -> str | None:
        """The verify_ret, what it means, and what to do."""
        found = verdict_of(row.verify_ret)
        if found is None:
            return None
        words = words_of(found)
        return f"{found.verify_ret} {words.meaning}" + (f" · {words.remedy}" if found.code else "")

    @admin.display(description=_("method"))
    def shown_method(self, row: Verification) -> str:
        return str(row.get_method_display())

    @admin.display(description=_("consent"))
    def shown_consent(self, row: Verification) -> str:
        if row.consent is None:
            return str(_("none with this verification; others are in the list of consents"))
        notice = self.link("consent", row.consent.pk, row.consent.notice)
        text = _("given %(time)s") % {"time": clock.moment(row.consent.given_at)}
        if row.consent.withdrawn_at:
            text = _("withdrawn %(time)s") % {"time": clock.moment(row.consent.withdrawn_at)}
        return format_html("{} {}", notice, text)

    @admin.display(description=_("user"))
    def account(self, row: Verification) -> str:
        return shown(row.user_id, usernames([row.user_id])) or NOTHING

    @admin.display(description=_("in doubt"))
    def doubt(self, row: Verification) -> str:
        if not row.in_doubt:
            return yes_or_no(False)
        note = Verification._meta.get_field("in_doubt").help_text
        return format_html("<strong>{}</strong> {}", _("yes"), note)

    @admin.display(description=_("check digit holds"))
    def check_digit(self, row: Verification) -> str:
        return yes_or_no(row.check_digit_valid)

    # --- times, with the clock's name ------------------------------------------------------------

    created = moment_of("created_at", _("created at"))
    verified = moment_of("verified_at", _("verified at"))
    expires = moment_of("expires_at", _("verify_id expires at"))
    erased = moment_of("erased_at", _("erased at"))
    started = moment_of("started_at", _("attempt started at"))
    finished = moment_of("finished_at", _("attempt finished at"))
    settled = moment_of("settled_at", _("taken by settle at"))


def _trail(row: Verification) -> list[AuditEvent]:
    """The record's events, oldest first, and one more than are shown."""
    events = AuditEvent.objects.filter(verification_id=row.pk).order_by("created_at")
    trail = list(events[: MOST_EVENTS + 1])
    name_actors(trail)
    return [annotate(event) for event in trail]
