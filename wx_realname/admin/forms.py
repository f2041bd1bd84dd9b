"""The console's forms. What is typed into them is checked by the services, once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .. import audit
from ..exceptions import InvalidRequest
from ..services.disclosure import search
from ..services.disclosure.approval import MAX_REASON as MAX_EXPORT_REASON
from ..services.reasons import MAX_CASE_NUMBER
from .spreadsheet import makes_workbooks

_UNREMEMBERED = {"autocomplete": "off", "spellcheck": "false", "class": "vTextField"}


class ServiceForm(forms.Form):
    """A form whose errors may come from a service."""

    use_required_attribute = False

    def take_errors(self, refused: InvalidRequest) -> None:
        for name, errors in (refused.errors or {}).items():
            for error in errors:
                self.add_error(name, error)


class CaseForm(ServiceForm):
    """A form with a case number beside the reason."""

    case_number = forms.CharField(
        label=_("Case number"),
        required=False,
        max_length=MAX_CASE_NUMBER,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


class FindForm(CaseForm):
    field_order = ("credential_id", "real_name", "case_number")

    credential_id = forms.CharField(
        label=_("ID number"), required=False, widget=forms.TextInput(attrs=_UNREMEMBERED)
    )
    real_name = forms.CharField(
        label=_("Real name"),
        required=False,
        widget=forms.TextInput(attrs=_UNREMEMBERED),
        max_length=search.MAX_NAME,
        help_text=_("The whole name; spaces and the kind of dot are ignored."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not search.takes_names():
            del self.fields["real_name"]


class OnceForm(CaseForm):
    """A form that acts once: see the module `once`."""

    once = forms.CharField(widget=forms.HiddenInput)

    def typed(self) -> dict[str, Any]:
        """What the officer typed. Only for a valid form."""
        return {name: value for name, value in self.cleaned_data.items() if name != "once"}


class ReasonForm(OnceForm):
    """For reveal, copy and erase."""

    field_order = ("reason", "case_number")

    reason = forms.CharField(
        label=_("Reason"),
        max_length=audit.MAX_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("Don't enter a name or an ID number: the audit trail is permanent."),
    )


class ExportForm(OnceForm):
    """What is exported, as which file, and why."""

    field_order = ("content", "file", "reason", "case_number")
    MASKED, PLAIN = "masked", "plain"
    CSV, XLSX = "csv", "xlsx"

    content = forms.ChoiceField(
        label=_("Names and ID numbers"),
        choices=((MASKED, _("masked")), (PLAIN, _("in plain text"))),
        initial=MASKED,
        widget=forms.RadioSelect,
    )
    file = forms.ChoiceField(
        label=_("File"),
        choices=((CSV, _("CSV")), (XLSX, _("workbook (.xlsx)"))),
        initial=CSV,
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_EXPORT_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_(
            "Required for plain text. Don't enter a name or an ID number: the audit trail is permanent."
        ),
    )

    def __init__(
        self, *args: Any, may_mask: bool = True, may_plain: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        allowed = {self.MASKED: may_mask, self.PLAIN: may_plain}
        content: Any = self.fields["content"]
        content.widget.choices = [
            (value, label) for value, label in content.choices if allowed[value]
        ]
        self.initial.setdefault("content", self.MASKED if may_mask else self.PLAIN)

    @property
    def offers_workbooks(self) -> bool:
        return makes_workbooks()

    def clean_file(self) -> str:
        file: str = self.cleaned_data["file"] or self.CSV
        if file == self.XLSX and not makes_workbooks():
            raise ValidationError(_("Workbooks need the extra [xlsx] of this package: choose CSV."))
        return file
