"""Which records an account reached between two days: needed to notify citizens after a leak."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..cells import BOM
from ..moments import midnight
from ..services.rights import accesses
from .forms import ServiceForm
from .read_only import ReadOnlyAdmin, require
from .spreadsheet import attachment

SHOWN = 200  # records on the page; the file has all


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


class AffectedForm(ServiceForm):
    """An account, by its name or id, and the days, both included, in the site's time zone."""

    account = forms.CharField(
        label=gettext_lazy("Account"),
        max_length=254,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=gettext_lazy("The user name or the id of the account that looked."),
    )
    first_day = _day(gettext_lazy("First day"))
    last_day = _day(gettext_lazy("Last day"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day is before the first one."))
        elif first and last:
            try:
                cleaned |= {"begin": midnight(first), "end": midnight(last + timedelta(days=1))}
            except OverflowError:
                self.add_error(
                    "last_day", _("The days are outside the range that databases support.")
                )
        return cleaned

    def reach(self) -> accesses.Reach:
        """What the account reached. To be asked of a valid form alone."""
        cleaned = self.cleaned_data
        return accesses.reached(
            actor=accesses.account_id(cleaned["account"]) or cleaned["account"],
            begin=cleaned["begin"],
            end=cleaned["end"],
        )


class AffectedPage(ReadOnlyAdmin):
    """The page, beside the trail's list."""

    def console_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.affected_view)
        return [path("affected/", view, name="wx_realname_auditevent_affected")]

    def affected_view(self, request: Any) -> HttpResponse | StreamingHttpResponse:
        require(request, "view_auditevent")
        form, reach = AffectedForm(request.POST or None), None
        if form.is_valid():
            reach = form.reach()
            if "file" in request.POST:
                return attachment(_lines(reach), "affected")
        return self.page(
            request,
            "affected",
            _("Whom an account reached"),
            form=form,
            reach=reach,
            shown=reach.records[:SHOWN] if reach else [],
            may_view_records=request.user.has_perm("wx_realname.view_verification"),
        )


def _lines(reach: accesses.Reach) -> Iterator[str]:
    """Ids alone: no spreadsheet takes one for a formula, and none is personal data in plain text."""
    yield f"{BOM}verification\r\n"
    for record in reach.records:
        yield f"{record}\r\n"
