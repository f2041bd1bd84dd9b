"""The pages of a person and a record: find, reveal, copy, erase. Thin: services do the work."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from .. import services
from ..exceptions import (
    DecryptionError,
    InvalidRequest,
    Misconfigured,
    NotFound,
    RealNameError,
    Throttled,
)
from ..models import Verification
from ..personal_data import PersonalData, Secret
from ..services.once import AlreadySent
from ..services.rights.erasure import ERASABLE
from . import clock, once
from .forms import FindForm, OnceForm, ReasonForm
from .read_only import ReadOnlyAdmin, require

_ALREADY_SHOWN = gettext_lazy(
    "This form was sent before: nothing was shown again, and nothing recorded. "
    "Another look takes another reason."
)
_OUTDATED = gettext_lazy("This form is out of date. Type the reason again.")


class RecordPages(ReadOnlyAdmin):
    """What the admin of verifications offers beside the list and the record."""

    def console_urls(self) -> list[Any]:
        def about_record(action: str, view: Any) -> Any:
            guarded = once.keeping(self.admin_site.admin_view(view), self.admin_site, ReasonForm)
            name = f"wx_realname_verification_{action}"
            return path(f"<uuid:object_id>/{action}/", guarded, name=name)

        find = self.admin_site.admin_view(self.find_view)
        return [
            *super().console_urls(),
            path("find/", find, name="wx_realname_verification_find"),
            about_record("reveal", self.reveal_view),
            about_record("copy", self.copy_view),
            about_record("erase", self.erase_view),
        ]

    # --- find a person ------------------------------------------------------------------------

    @method_decorator(sensitive_post_parameters("real_name", "credential_id"))
    def find_view(self, request: Any) -> HttpResponse:
        """A form that posts: a number in an address would be in every log and history."""
        require(request, "view_verification")
        form, found, fault = FindForm(request.POST or None), None, ""
        if form.is_valid():
            try:
                found = services.find_person(
                    actor=request.user,
                    real_name=Secret(form.cleaned_data.get("real_name", "")),
                    credential_id=Secret(form.cleaned_data["credential_id"]),
                    case_number=form.cleaned_data["case_number"],
                    request=request,
                )
                form = FindForm()  # what was typed isn't shown again
            except InvalidRequest as refused:
                form.take_errors(refused)
            except Throttled as throttled:
                fault = _wait(throttled.retry_after)
            except RealNameError as refused:
                fault = str(refused.words)
        title = _("Find a person")
        return self.page(request, "find", title, form=form, found=found, fault=fault)

    # --- reveal, and a copy for the citizen ----------------------------------------------------

    def reveal_view(self, request: Any, object_id: UUID) -> HttpResponse:
        """Plain text in the answer to the POST itself: to see it again takes another POST and event."""
        title = _("Reveal name and ID number")
        return self._disclose(request, object_id, services.reveal, ("reveal", "revealed"), title)

    def copy_view(self, request: Any, object_id: UUID) -> HttpResponse:
        """The same for a citizen at the counter, to be printed; the event says "copy"."""
        title = _("Copy for the citizen")
        return self._disclose(request, object_id, services.copy, ("copy", "copied"), title)

    def _disclose(
        self,
        request: Any,
        object_id: UUID,
        tell: Callable[..., PersonalData],
        templates: tuple[str, str],
        title: str,
    ) -> HttpResponse:
        """The form that asks for a reason, then the service's result: one template each."""
        require(request, "reveal_verification")
        row = self._row(object_id)
        form, fault = once.bound(request, row.pk, ReasonForm), ""
        if form.is_valid():
            try:
                event_id = once.event_id(request, row.pk, form)
                plain = tell(
                    row, actor=request.user, request=request, event_id=event_id, **form.typed()
                )
                return self.page(request, templates[1], title, row=row, plain=plain)
            except InvalidRequest as refused:
                form.take_errors(refused)
            except (AlreadySent, once.OutdatedForm) as refused:
                fault = str(_ALREADY_SHOWN if isinstance(refused, AlreadySent) else _OUTDATED)
                form = ReasonForm(initial={"once": once.token(request, row.pk)})
            except NotFound:
                fault = _("Nothing is stored: the record isn't verified, was erased, or is masked.")
            except (DecryptionError, Misconfigured):
                fault = _(
                    "Name and ID number can't be shown: a key is missing or can't be opened. "
                    "The log has its id."
                )
            except RealNameError as refused:
                fault = str(refused.words)
        return self.page(request, templates[0], title, row=row, form=form, fault=fault)

    # --- erase --------------------------------------------------------------------------------

    def erase_view(self, request: Any, object_id: UUID) -> HttpResponse:
        require(request, "erase_verification")
        row = self._row(object_id)
        form: OnceForm | None = once.bound(request, row.pk, ReasonForm)
        fault = ""
        if row.status not in (*ERASABLE, Verification.Status.PENDING):
            form, fault = None, _nothing_left(row)
        if form is not None and form.is_valid():
            try:
                services.erase(row, actor=request.user, request=request, **form.typed())
                messages.success(request, _("The personal data was erased."))
                return HttpResponseRedirect(self._record_address(request, row))
            except RealNameError as refused:
                fault = str(refused.words)
        title = _("Erase name and ID number")
        return self.page(request, "erase", title, row=row, form=form, fault=fault)

    # --- what they share ----------------------------------------------------------------------

    def _row(self, object_id: UUID) -> Verification:
        rows = Verification.objects.deciding().without_ciphertexts()
        row = rows.filter(pk=object_id).first()
        if row is None:
            raise Http404
        return row

    def _record_address(self, request: Any, row: Verification) -> str:
        if not self.has_view_permission(request):
            return reverse("admin:index", current_app=self.admin_site.name)
        return self.address("verification", "change", row.pk)


def _wait(seconds: int | None) -> str:
    """The message after too many searches."""
    text = _(
        "Too many searches found nothing (SEARCH_RATE). This was recorded. Search again in %(minutes)d min."
    )
    return text % {"minutes": ceil((seconds or 0) / 60)}


def _nothing_left(row: Verification) -> str:
    if row.erased_at is None:
        return _("Nothing is stored: there is nothing to erase.")
    text = _("Name and ID number were erased already, at %(time)s. Nothing was erased again.")
    return text % {"time": clock.moment(row.erased_at)}
