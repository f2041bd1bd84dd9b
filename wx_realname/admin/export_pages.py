"""The pages of the export: the form, its progress, and the requests that FOUR_EYES waits for."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..exceptions import InvalidRequest, RealNameError
from ..models import ExportRequest
from ..services.disclosure import approval
from ..services.disclosure.approval import NotReleased
from ..services.disclosure.export import chosen_by
from ..services.disclosure.progress import Progress, progress
from ..services.once import AlreadySent
from . import once, spreadsheet
from .forms import ExportForm
from .names import shown, usernames
from .read_only import ReadOnlyAdmin, require
from .sentences import chosen_in_words

SHOWN_REQUESTS = 100
MOST_COUNTED = 10_000  # records, before an export begins

_ALREADY_EXPORTED = gettext_lazy(
    "This form was sent before: nothing was exported again, and nothing recorded. "
    "To export once more, send the form below."
)
_OUTDATED = gettext_lazy("This form is out of date. Send the one below.")


class ExportPages(ReadOnlyAdmin):
    """The list as it is filtered in the address, as a file."""

    def console_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        export = once.keeping(view(self.export_view), self.admin_site, ExportForm)
        name = "wx_realname_verification_{}".format
        return [
            *super().console_urls(),
            path("export/", export, name=name("export")),
            path(
                "export/<uuid:event_id>/progress/",
                view(self.progress_view),
                name=name("progress"),
            ),
            path("export/requests/", view(self.requests_view), name=name("requests")),
        ]

    def export_view(self, request: Any) -> Any:
        """The form, and the file in answer to the POST itself."""
        require(request, "view_verification", "export_plaintext")
        chosen: Any = self.get_changelist_instance(request)
        empty = partial(
            ExportForm,
            may_mask=request.user.has_perm("wx_realname.view_verification"),
            may_plain=request.user.has_perm("wx_realname.export_plaintext"),
        )
        form, fault = once.bound(request, once.EXPORT, empty), ""
        if form.is_valid():
            try:
                return self._exported(request, chosen, form)
            except InvalidRequest as refused:
                form.take_errors(refused)
            except (AlreadySent, once.OutdatedForm) as refused:
                fault = str(_ALREADY_EXPORTED if isinstance(refused, AlreadySent) else _OUTDATED)
                form = empty(initial={"once": once.token(request, once.EXPORT)})
            except RealNameError as refused:
                fault = str(refused.words)
        return self.page(
            request,
            "export",
            _("Export"),
            form=form,
            fault=fault,
            chosen=chosen,
            progress_address=self._progress_address(form, chosen),
            **_counted(chosen),
        )

    def _exported(self, request: Any, chosen: Any, form: Any) -> Any:
        """The file; with FOUR_EYES and no release yet, a request for it."""
        event_id, typed = once.event_id(request, once.EXPORT, form), form.typed()
        plain = typed["content"] == ExportForm.PLAIN
        require(request, "export_plaintext" if plain else "view_verification")
        try:
            return self._file(request, chosen, plain, typed, event_id)
        except NotReleased:
            return self._asked(request, chosen, typed, event_id)

    def _file(
        self, request: Any, chosen: Any, plain: bool, typed: dict[str, Any], event_id: UUID
    ) -> HttpResponse | StreamingHttpResponse:
        is_workbook = typed["file"] == ExportForm.XLSX
        exported = services.export(
            chosen.queryset,
            actor=request.user,
            plain=plain,
            reason=typed["reason"],
            case_number=typed["case_number"],
            filters=_filters(chosen),
            request=request,
            most=spreadsheet.MOST_IN_WORKBOOK if is_workbook else None,
            event_id=event_id,
        )
        answer = spreadsheet.as_workbook if is_workbook else spreadsheet.as_lines
        return answer(exported)

    def _asked(
        self, request: Any, chosen: Any, typed: dict[str, Any], request_id: UUID
    ) -> HttpResponse:
        """FOUR_EYES: the request waits for another officer."""
        approval.ask(
            actor=request.user,
            reason=typed["reason"],
            case_number=typed["case_number"],
            chosen=chosen_by(_filters(chosen)),
            request=request,
            request_id=request_id,
        )
        messages.info(
            request, _("Asked for. Another officer has to release it; then export again.")
        )
        return HttpResponseRedirect(self.address("verification", "requests"))

    def progress_view(self, request: Any, event_id: UUID) -> HttpResponse:
        """How far the officer's own export came; the form's page reads it while the file is sent."""
        require(request, "view_verification", "export_plaintext")
        chosen: Any = self.get_changelist_instance(request)
        found = progress(event_id, actor=request.user)
        return self.page(
            request,
            "progress",
            _("Progress of the export"),
            sentence=_sentence(found, **_counted(chosen)),
            has_ended=found is not None and found.complete is not None,
        )

    def requests_view(self, request: Any) -> HttpResponse:
        """Requests for plain exports, and their release by another officer."""
        require(request, "export_plaintext")
        if request.method == "POST":
            try:
                approval.release(request.POST.get("request"), actor=request.user, request=request)
                messages.success(request, _("Released."))
            except (RealNameError, ValueError, ValidationError) as refused:
                messages.error(request, str(getattr(refused, "words", _("Not released."))))
            return HttpResponseRedirect(self.address("verification", "requests"))
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

    def _progress_address(self, form: Any, chosen: Any) -> str:
        """Of the export that the form would begin; it has the same filters, for the total."""
        mine = once.read(form["once"].value() or "")
        if mine is None:
            return ""
        address = self.address("verification", "progress", mine.event)
        return f"{address}{chosen.get_query_string()}"


def _filters(chosen: Any) -> dict[str, str]:
    """The filters in force, by the names of their parameters."""
    used = (spec.used_parameters for spec in chosen.filter_specs)
    return {name: value for parameters in used for name, value in parameters.items()}


def _counted(chosen: Any) -> dict[str, Any]:
    """How many records the filters choose; counted no further than MOST_COUNTED."""
    count = chosen.queryset.order_by()[: MOST_COUNTED + 1].count()
    return {"count": f"{min(count, MOST_COUNTED):,}", "is_more": count > MOST_COUNTED}


def _sentence(found: Progress | None, count: str, is_more: bool) -> str:
    """How far an export came, of so many records."""
    if found is None:
        return _("The export hasn't begun.")
    if found.complete is None:
        more = _("Sent so far: %(rows)s of more than %(count)s records.")
        text = more if is_more else _("Sent so far: %(rows)s of %(count)s records.")
    elif found.complete:
        text = _("The export is complete. Records: %(rows)s.")
    else:
        text = _("The export was cut short. Records sent: %(rows)s.")
    return text % {"rows": f"{found.rows:,}", "count": count}
