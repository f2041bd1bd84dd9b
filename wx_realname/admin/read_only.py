"""An admin in which nothing can be added, changed or deleted, and every refusal leaves its trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from ..services.disclosure.refusal import refused
from . import clock
from .filters import RefusedFilter
from .forms import ServiceForm
from .keyset_list import KeysetChangeList

View = Callable[..., Any]
REFUSALS = {400: _("Unknown filter"), 403: _("Not allowed"), 404: _("Not found")}


def moment_of(name: str, description: Any) -> Any:
    """A read-only field: a time of the row, with the time zone."""

    @admin.display(description=description)
    def shown_moment(_admin: Any, row: Any) -> str:
        return clock.moment(getattr(row, name))

    return shown_moment


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows can be viewed, with Django's own permission to view, and nothing else."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by = ()
    actions = None

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Only the filters' parameters. Any other look-up would read the whole table."""
        return any(lookup in filter_.parameters for filter_ in self.list_filter)  # type: ignore[union-attr]

    def get_changelist(self, request: Any, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Fetch for all rows of a page at once what its columns need."""

    def fold(self, request: Any, rows: list[Any]) -> list[Any]:
        """The lines of a page. A subclass may join several rows in one line."""
        return rows

    def beside(self, request: Any, row: Any) -> dict[str, Any]:
        """Context for a row's page, in addition to its fields: its title, and what a subclass adds."""
        return {"title": str(row)}

    def render_change_form(
        self,
        request: Any,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= {"subtitle": "", **self.beside(request, obj)}
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=clock.heading)
    def when(self, row: Any) -> str:
        """The time of creation, to the second."""
        return clock.second(row.created_at)

    @admin.display(description=_("error"))
    def error(self, row: Any) -> str:
        return " ".join(
            str(part) for part in (row.error_code, row.errcode) if part not in ("", None)
        )

    def console_urls(self) -> list[Any]:
        """URLs of the model's further pages."""
        return []

    def page(self, request: Any, template: str, title: str, **context: Any) -> TemplateResponse:
        """A page of the model, by its template's name."""
        return self._page(request, f"{self.opts.model_name}/{template}", title, **context)

    def _page(self, request: Any, template: str, title: str, **context: Any) -> TemplateResponse:
        form = context.get("form")
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/wx_realname/{template}.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": title,
                "may_view": self.has_view_permission(request),
                "errors": isinstance(form, ServiceForm) and form.errors,
                **context,
            },
        )

    def address(self, model: str, page: str, *args: Any) -> str:
        """The address of a page of one of this app's models."""
        name = f"admin:wx_realname_{model}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def link(self, model: str, pk: Any, text: Any) -> str:
        """A link to a row of one of this app's models."""
        return format_html('<a href="{}">{}</a>', self.address(model, "change", pk), text)

    def narrowed(self, model: str, parameter: str, value: Any, text: Any = None) -> str | None:
        """A link to the list of one of this app's models, narrowed to the value by that filter."""
        if value in (None, ""):
            return None
        address, query = self.address(model, "changelist"), urlencode({parameter: value})
        return format_html('<a href="{}?{}">{}</a>', address, query, text or value)

    def get_urls(self) -> list[Any]:
        patterns = [*self.console_urls(), *super().get_urls()]
        for pattern in patterns:
            pattern.callback = self._guarded(pattern.callback)
        return patterns

    def _guarded(self, view: View) -> View:
        """The view, outside the host's ATOMIC_REQUESTS (a rollback would take the audit event with it).

        What it refuses is answered in the console's look and language. A refusal is recorded;
        a visitor who may not enter the admin at all leaves no event.
        """

        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied as denied:
                refused(
                    actor=request.user,
                    permission=str(denied) or request.resolver_match.url_name,
                    verification_id=kwargs.get("object_id"),
                    request=request,
                )
                return self._refusal(request, 403, permission=str(denied))
            except Http404:
                return self._refusal(request, 404)
            except DisallowedModelAdminLookup:
                return self._refusal(request, 400, fault=_("There is no such filter."))
            except RefusedFilter as unknown:
                return self._refusal(request, 400, fault=str(unknown))

        for alias in connections:
            transaction.non_atomic_requests(using=alias)(guarded)
        return guarded

    def _refusal(self, request: Any, status: int, **context: Any) -> TemplateResponse:
        title = str(REFUSALS[status])
        answer = self._page(request, "refusal", title, status=status, **context)
        answer.status_code = status
        return answer


def require(request: Any, *permissions: str) -> None:
    """Raise `PermissionDenied` unless the user has one of the app's permissions."""
    names = [f"wx_realname.{permission}" for permission in permissions]
    if not any(map(request.user.has_perm, names)):
        raise PermissionDenied(" or ".join(names))
