"""A value as a cell of a table: as text, and as CSV that no spreadsheet runs, rounds or converts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.utils import timezone

BOM = "\ufeff"  # without it, Excel takes UTF-8 for the system's old encoding

#: Behind blanks too (NBSP, BOM): formulas, full-width signs included; what begins with a digit, be it
#: behind a bracket or a currency ("0012", "1.10", "2026-01", ID numbers); truth values; months.
_RISKY = re.compile(
    r"[\s\ufeff\u200b]*("
    r"[=+\-@＝＋－＠]|[\t\r\n]"
    r"|[^\w*]*\d(?!\*)"  # not a masked ID number
    r"|(true|false)\s*$"
    r"|(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    r"|nov(ember)?|dec(ember)?)\W*\d"
    r")",
    re.IGNORECASE,
)
#: Our ids and digests, and numbers that a spreadsheet shows as they are: up to eleven digits.
_SAFE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|-?(0|[1-9]\d{0,10})", re.ASCII
)


def as_text(value: Any) -> str:
    """The value; a time in the site's time zone, to the second."""
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def as_csv(value: Any) -> str:
    """The same, behind an apostrophe where a spreadsheet would change it or run it."""
    text = as_text(value)
    is_safe = isinstance(value, datetime) or _SAFE.fullmatch(text)
    return f"'{text}" if _RISKY.match(text) and not is_safe else text
