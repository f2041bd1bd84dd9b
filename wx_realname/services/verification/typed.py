"""Name and ID number as the citizen typed them: their faults, and their normalized form."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ... import names, resident_id
from ...personal_data import PersonalData, Secret
from ...text import clean_text
from ...wechat.answers import MAX_NAME
from ...wechat.client import is_openid

Fault = str | Promise | None
MAX_NUMBER = 32  # characters, with spaces around


def faults(openid: Secret, real_name: Secret, credential_id: Secret) -> dict[str, Fault]:
    """The fault of each field; None: no fault."""
    return {
        "openid": None if is_openid(openid.reveal()) else _("This is not an openid."),
        "real_name": _name_fault(real_name),
        "credential_id": _number_fault(credential_id),
    }


def normalize(real_name: Secret, credential_id: Secret) -> PersonalData:
    """Name and number in the form in which they are compared and sent."""
    return PersonalData(
        names.normalize(real_name.reveal()), resident_id.normalize(credential_id.reveal()) or ""
    )


def _name_fault(name: Secret) -> Fault:
    if fault := clean_text(name, MAX_NAME):
        return fault
    if not names.is_plausible(names.normalize(name.reveal())):
        return _("This is not a name.")
    return None


def _number_fault(number: Secret) -> Fault:
    if fault := clean_text(number, MAX_NUMBER):
        return fault
    if resident_id.normalize(number.reveal()) is None:
        return _("This is not a resident ID number.")
    return None
