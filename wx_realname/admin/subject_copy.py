"""A citizen at the counter asks for a copy of his own data: an officer prints it, with a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from .. import services
from ..exceptions import DecryptionError, InvalidRequest, NotFound, RealNameError
from .forms import ReasonForm
from .pages import ConsolePages
from .read_only import require


class SubjectCopyPage(ConsolePages):
    """The page, beside those of the record."""

    def console_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.copy_view)
        route = path("<uuid:object_id>/copy/", view, name="wx_realname_verification_copy")
        return [route, *super().console_urls()]

    def copy_view(self, request: Any, object_id: UUID) -> HttpResponse:
        """Plain text in the answer to the POST itself, as with "Reveal"; the event says "copy"."""
        require(request, "reveal_verification")
        row = self._row(object_id)
        form, fault, title = ReasonForm(request.POST or None), "", _("Copy for the citizen")
        if form.is_valid():
            try:
                plain = services.copy(row, actor=request.user, request=request, **form.cleaned_data)
                return self._page(request, "copied", title, row=row, plain=plain)
            except InvalidRequest as refused:
                form.take_errors(refused)
            except NotFound:
                fault = _("Nothing is stored: the record isn't verified, was erased, or is masked.")
            except DecryptionError:
                fault = _("What is stored can't be read. ENCRYPTION_KEYS may lack its key.")
            except RealNameError as refused:
                fault = str(refused.words)
        return self._page(request, "copy", title, row=row, form=form, fault=fault)
