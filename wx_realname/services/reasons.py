"""Reasons go into the trail for good: no ID number, no mobile number, not the record's own name."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..exceptions import DecryptionError, InvalidRequest
from ..models import Verification
from ..personal_data import Secret
from ..text import clean_text
from ..vault import blind_index

MAX_CASE_NUMBER = 64

HAS_A_NUMBER = _(
    "Don't enter an ID number or a telephone number: the audit trail is permanent. "
    "A case number has a field of its own."
)
HAS_THE_NAME = _("Don't enter the person's name: the audit trail is permanent.")

_BETWEEN = r"[\s\-]*"
_ID_NUMBER = re.compile(rf"(?<!\d)\d(?:{_BETWEEN}\d){{13,16}}(?:{_BETWEEN}[\dXx])?(?!\d)")
_MOBILE = re.compile(rf"(?<!\d)1{_BETWEEN}[3-9](?:{_BETWEEN}\d){{9}}(?!\d)")


def require_reason(
    reason: Any,
    max_length: int,
    *,
    blank: bool = False,
    case_number: Any = "",
    about: Verification | None = None,
) -> None:
    """Raises `InvalidRequest` for a reason or case number that the trail must not keep."""
    errors: dict[str, list[str]] = {}
    if fault := _fault(reason, max_length, blank, about):
        errors["reason"] = [str(fault)]
    if fault := clean_text(Secret(case_number), MAX_CASE_NUMBER, blank=True) or _number(
        case_number
    ):
        errors["case_number"] = [str(fault)]
    if errors:
        raise InvalidRequest(errors=errors)


def _fault(
    reason: Any, max_length: int, blank: bool, about: Verification | None
) -> str | Promise | None:
    if fault := clean_text(Secret(reason), max_length, blank=blank):
        return fault
    return _number(reason) or (_name(reason, about) if about is not None else None)


def _number(text: str) -> Promise | None:
    folded = unicodedata.normalize("NFKC", text)
    return HAS_A_NUMBER if _ID_NUMBER.search(folded) or _MOBILE.search(folded) else None


def _name(reason: str, row: Verification) -> Promise | None:
    try:
        data = row.personal_data()
    except DecryptionError:
        return None
    form = blind_index.name_form
    return HAS_THE_NAME if data and form(data.real_name) in form(reason) else None
