"""The console's forms. What is typed into them is checked by the services, once."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .. import audit
from ..exceptions import InvalidRequest
from ..services.disclosure import search
from ..services.disclosure.export import MAX_REASON as MAX_EXPORT_REASON

_ID_NUMBER = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d)")
_UNREMEMBERED = {"autocomplete": "off", "spellcheck": "false", "class": "vTextField"}


class ServiceForm(forms.Form):
    """A form whose errors may come from a service."""

    use_required_attribute = False

    def take_errors(self, refused: InvalidRequest) -> None:
        for name, errors in (refused.errors or {}).items():
            for error in errors:
                self.add_error(name, error)


class FindForm(ServiceForm):
    credential_id = forms.CharField(
        label=_("ID number"), required=False, widget=forms.TextInput(attrs=_UNREMEMBERED)
    )
    real_name = forms.CharField(
        label=_("Real name"),
        required=False,
        widget=forms.TextInput(attrs=_UNREMEMBERED),
        max_length=search.MAX_NAME,
        help_text=_("The whole name; spaces and the kind of dot don't matter."),
    )


def no_number(reason: str) -> None:
    """The trail holds no number, and never loses what it once holds."""
    if _ID_NUMBER.search(reason):
        raise forms.ValidationError(
            _("Write no ID number here: the audit trail keeps it for good.")
        )


class ReasonForm(ServiceForm):
    """For reveal and erase."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=audit.MAX_REASON,
        validators=[no_number],
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_("Kept in the audit trail. Write no name and no ID number here."),
    )


class ExportForm(ServiceForm):
    MASKED, PLAIN = "masked", "plain"

    content = forms.ChoiceField(
        label=_("Names and ID numbers"),
        choices=((MASKED, _("masked")), (PLAIN, _("in plain text"))),
        initial=MASKED,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_EXPORT_REASON,
        validators=[no_number],
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_(
            "Needed for plain text. Kept in the audit trail. Write no name and no ID number here."
        ),
    )

    def __init__(self, *args: Any, may_mask: bool, may_plain: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = {self.MASKED: may_mask, self.PLAIN: may_plain}
        content: Any = self.fields["content"]
        content.widget.choices = [
            (value, label) for value, label in content.choices if allowed[value]
        ]
        self.initial.setdefault("content", self.MASKED if may_mask else self.PLAIN)
