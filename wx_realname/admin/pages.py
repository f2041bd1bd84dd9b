"""The pages beside Django's own: find a person, reveal, copy, erase, export. Thin: services do the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from .. import services
from ..exceptions import DecryptionError, InvalidRequest, NotFound, RealNameError, Throttled
from ..models import ExportRequest, Verification
from ..personal_data import PersonalData, Secret
from ..services.disclosure import approval
from ..services.disclosure.approval import NotReleased
from ..services.disclosure.export import chosen_by
from ..services.plain import AlreadyShown
from ..services.rights.erasure import ERASABLE
from . import clock, once, spreadsheet
from .forms import ExportForm, FindForm, ReasonForm
from .names import shown, usernames
from .read_only import ReadOnlyAdmin, require
from .sentences import chosen_in_words

SHOWN_REQUESTS = 100
MOST_COUNTED = 10_000  # of an export, before it begins

_ALREADY_SHOWN = gettext_lazy(
    "This form was sent before: nothing was shown again, and nothing recorded. "
    "Another look takes another reason."
)
_OUTDATED = gettext_lazy("This form is out of date. Type the reason again.")


class OutdatedForm(Exception):
    """The form's token isn't this officer's, about this record, of the last day."""


class ConsolePages(ReadOnlyAdmin):
    """What the admin of verifications offers beside the list and the record."""

    def console_urls(self) -> list[Any]:
        def console(route: str, view: Any, name: str) -> Any:
            guarded = self.admin_site.admin_view(view)
            if "object_id" in route:
                guarded = self._kept(guarded)
            return path(route, guarded, name=f"wx_realname_verification_{name}")

        return [
            console("find/", self.find_view, "find"),
            console("export/", self.export_view, "export"),
            console("export/requests/", self.requests_view, "requests"),
            console("<uuid:object_id>/reveal/", self.reveal_view, "reveal"),
            console("<uuid:object_id>/copy/", self.copy_view, "copy"),
            console("<uuid:object_id>/erase/", self.erase_view, "erase"),
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
                    real_name=Secret(form.cleaned_data["real_name"]),
                    credential_id=Secret(form.cleaned_data["credential_id"]),
                    case_number=form.cleaned_data["case_number"],
                    request=request,
                )
                form = FindForm()  # what was typed isn't shown again
            except InvalidRequest as refused:
                form.take_errors(refused)
            except Throttled as throttled:
                fault = _wait(throttled.retry_after)
        title = _("Find a person")
        return self.page(request, "find", title, form=form, found=found, fault=fault)

    # --- reveal, and a copy for the citizen ----------------------------------------------------

    def reveal_view(self, request: Any, object_id: UUID) -> HttpResponse:
        """Plain text in the answer to the POST itself: another look takes another POST and event."""
        title = _("Reveal name and ID number")
        return self._told(request, object_id, services.reveal, ("reveal", "revealed"), title)

    def copy_view(self, request: Any, object_id: UUID) -> HttpResponse:
        """The same for a citizen at the counter, to be printed; the event says "copy"."""
        title = _("Copy for the citizen")
        return self._told(request, object_id, services.copy, ("copy", "copied"), title)

    def _told(
        self,
        request: Any,
        object_id: UUID,
        tell: Callable[..., PersonalData],
        templates: tuple[str, str],
        title: str,
    ) -> HttpResponse:
        """The form that asks for a reason, then what the service tells: one template each."""
        require(request, "reveal_verification")
        row = self._row(object_id)
        form, fault = self._reason_form(request, row), ""
        if form.is_valid():
            try:
                plain = tell(row, actor=request.user, request=request, **_typed(request, row, form))
                return self.page(request, templates[1], title, row=row, plain=plain)
            except InvalidRequest as refused:
                form.take_errors(refused)
            except (AlreadyShown, OutdatedForm) as refused:
                fault = str(_ALREADY_SHOWN if isinstance(refused, AlreadyShown) else _OUTDATED)
                form = ReasonForm(initial={"once": once.token(request, row.pk)})
            except NotFound:
                fault = _("Nothing is stored: the record isn't verified, was erased, or is masked.")
            except DecryptionError:
                fault = _("What is stored can't be read. ENCRYPTION_KEYS may lack its key.")
            except RealNameError as refused:
                fault = str(refused.words)
        return self.page(request, templates[0], title, row=row, form=form, fault=fault)

    # --- erase --------------------------------------------------------------------------------

    def erase_view(self, request: Any, object_id: UUID) -> HttpResponse:
        require(request, "erase_verification")
        row = self._row(object_id)
        form: ReasonForm | None = self._reason_form(request, row)
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

    # --- export -------------------------------------------------------------------------------

    def export_view(self, request: Any) -> Any:
        """The list as it is filtered in the address, as a file."""
        may_mask = request.user.has_perm("wx_realname.view_verification")
        may_plain = request.user.has_perm("wx_realname.export_plaintext")
        require(request, "view_verification", "export_plaintext")
        chosen: Any = self.get_changelist_instance(request)
        form = ExportForm(request.POST or None, may_mask=may_mask, may_plain=may_plain)
        if form.is_valid():
            plain = form.cleaned_data["content"] == ExportForm.PLAIN
            require(request, "export_plaintext" if plain else "view_verification")
            try:
                return self._file(request, chosen, plain, form.cleaned_data)
            except NotReleased:
                return self._asked(request, chosen, form.cleaned_data)
            except InvalidRequest as refused:
                form.take_errors(refused)
        count = chosen.queryset.order_by()[: MOST_COUNTED + 1].count()
        return self.page(
            request,
            "export",
            _("Export"),
            form=form,
            chosen=chosen,
            count=f"{min(count, MOST_COUNTED):,}",
            is_more=count > MOST_COUNTED,
        )

    def _asked(self, request: Any, chosen: Any, data: dict[str, Any]) -> HttpResponse:
        """FOUR_EYES: the request waits for another officer."""
        approval.ask(
            actor=request.user,
            reason=data["reason"],
            case_number=data["case_number"],
            chosen=chosen_by(_filters(chosen)),
            request=request,
        )
        messages.info(
            request, _("Asked for. Another officer has to release it; then export again.")
        )
        return HttpResponseRedirect(self._requests_address())

    def requests_view(self, request: Any) -> HttpResponse:
        """Requests for plain exports, and their release by another officer."""
        require(request, "export_plaintext")
        if request.method == "POST":
            try:
                approval.release(request.POST.get("request"), actor=request.user, request=request)
                messages.success(request, _("Released."))
            except (RealNameError, ValueError, ValidationError) as refused:
                messages.error(request, str(getattr(refused, "words", _("Not released."))))
            return HttpResponseRedirect(self._requests_address())
        requests = list(ExportRequest.objects.order_by("-asked_at", "-id")[:SHOWN_REQUESTS])
        names = usernames(id_ for each in requests for id_ in (each.actor_id, each.released_by))
        rows = [
            {
                "request": each,
                "asked_by": shown(each.actor_id, names),
                "released_by": shown(each.released_by, names),
                "chosen": chosen_in_words(each.filters),
                "state": approval.state_of(each),
                "is_own": each.actor_id == str(request.user.pk),
            }
            for each in requests
        ]
        return self.page(request, "requests", _("Requests for plain exports"), rows=rows)

    def _requests_address(self) -> str:
        name = "admin:wx_realname_verification_requests"
        return reverse(name, current_app=self.admin_site.name)

    def _file(
        self, request: Any, chosen: Any, plain: bool, data: dict[str, Any]
    ) -> HttpResponse | StreamingHttpResponse:
        is_workbook = data["file"] == ExportForm.XLSX
        exported = services.export(
            chosen.queryset,
            actor=request.user,
            plain=plain,
            reason=data["reason"],
            case_number=data["case_number"],
            filters=_filters(chosen),
            request=request,
            most=spreadsheet.MOST_IN_WORKBOOK if is_workbook else None,
        )
        answer = spreadsheet.as_workbook if is_workbook else spreadsheet.as_lines
        return answer(exported)

    # --- what they share ----------------------------------------------------------------------

    def _reason_form(self, request: Any, row: Verification) -> ReasonForm:
        """Sent without its token, by a script for one, it gets one: a second sending has it again."""
        token = once.token(request, row.pk)
        if not request.POST:
            return ReasonForm(initial={"once": token, **once.take_typed(request, row.pk)})
        data = request.POST.copy()
        data.setdefault("once", token)
        return ReasonForm(data)

    def _kept(self, view: Any) -> Any:
        """The view; what is typed into it when the session has ended is there after logging in."""

        @wraps(view)
        def keeping(request: Any, *args: Any, **kwargs: Any) -> Any:
            if request.method == "POST" and not self.admin_site.has_permission(request):
                row = Verification.objects.filter(pk=kwargs["object_id"]).first()
                if row is not None:
                    once.keep_typed(request, row)
            return view(request, *args, **kwargs)

        return keeping

    def _row(self, object_id: UUID) -> Verification:
        rows = Verification.objects.deciding().without_ciphertexts()
        row = rows.filter(pk=object_id).first()
        if row is None:
            raise Http404
        return row

    def _record_address(self, request: Any, row: Verification) -> str:
        if not self.has_view_permission(request):
            return reverse("admin:index", current_app=self.admin_site.name)
        name = "admin:wx_realname_verification_change"
        return reverse(name, args=[row.pk], current_app=self.admin_site.name)


def _wait(seconds: int | None) -> str:
    """What an officer is told who searched too often."""
    text = _(
        "Too many searches found nothing (SEARCH_RATE). This was recorded. Search again in %(minutes)d min."
    )
    return text % {"minutes": ceil((seconds or 0) / 60)}


def _filters(chosen: Any) -> dict[str, str]:
    """The filters in force, by the names of their parameters."""
    used = (spec.used_parameters for spec in chosen.filter_specs)
    return {name: value for parameters in used for name, value in parameters.items()}


def _typed(request: Any, row: Verification, form: ReasonForm) -> dict[str, Any]:
    """What the form says, and the id of its event. Raises `OutdatedForm`."""
    mine = once.read(form.cleaned_data["once"])
    if mine is None or (mine.user, mine.record) != (str(request.user.pk), str(row.pk)):
        raise OutdatedForm
    return {**form.typed(), "event_id": mine.event}


def _nothing_left(row: Verification) -> str:
    if row.erased_at is None:
        return _("Nothing is stored: there is nothing to erase.")
    text = _("Name and ID number were erased already, at %(time)s. Nothing was erased again.")
    return text % {"time": clock.moment(row.erased_at)}
