"""Checks reasons before the trail keeps them: no ID number, no mobile number, not the person's name."""

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

# Blanks, separators and invisible characters are ignored: a number may be typed in groups.
_BETWEEN = re.compile(r"(?<=\d)[\W_]{1,3}(?=[\dXx])")
_DATE = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_NUMBERS = re.compile(
    rf"(?<!\d)\d{{6}}(?:18|19|20)\d\d{_DATE}\d{{3}}[\dXx](?!\d)"  # an ID number
    rf"|(?<!\d)\d{{8}}{_DATE}\d{{3}}(?!\d)"  # of 15 digits, as until 1999
    r"|(?<!\d)(?:(?:00)?86)?0?1[3-9]\d{9}(?!\d)"  # a mobile number
)


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
    if fault := _case_fault(case_number):
        errors["case_number"] = [str(fault)]
    if errors:
        raise InvalidRequest(errors=errors)


def require_case_number(case_number: Any) -> None:
    """Raises `InvalidRequest` for a case number that the trail must not keep."""
    if fault := _case_fault(case_number):
        raise InvalidRequest(errors={"case_number": [str(fault)]})


def _fault(
    reason: Any, max_length: int, blank: bool, about: Verification | None
) -> str | Promise | None:
    if fault := clean_text(Secret(reason), max_length, blank=blank):
        return fault
    return _number(reason) or (_name(reason, about) if about is not None else None)


def _case_fault(case_number: Any) -> str | Promise | None:
    fault = clean_text(Secret(case_number), MAX_CASE_NUMBER, blank=True)
    return fault or _number(case_number)


def _number(text: str) -> Promise | None:
    """The fault of a text with an ID or mobile number in it, whatever the digits' width and grouping."""
    folded = unicodedata.normalize("NFKC", text)
    joined = _BETWEEN.sub("", folded)
    return HAS_A_NUMBER if any(map(_NUMBERS.search, (folded, joined))) else None


def _name(reason: str, row: Verification) -> Promise | None:
    try:
        data = row.personal_data()
    except DecryptionError:
        return None
    form = blind_index.name_form
    return HAS_THE_NAME if data and form(data.real_name) in form(reason) else None
