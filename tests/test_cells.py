"""Cells of CSV: what a spreadsheet would change stands behind an apostrophe, and nothing else does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from tests.cases import each
from wx_realname.cells import as_csv

#: Run as formulas.
FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    "\u3000=1",
    " ＝1",
)
#: Taken for a number, a date, a time or a truth value.
CONVERTED = (
    "440524198001010013",
    "44052419800101001X",
    "440524800101001",
    "２０２６",
    "2026-01",
    "1.10",
    ".5",
    "0012",
    " 0012",
    "1e5",
    "1.5E+3",
    "5 %",
    "1 1/2",
    "(5)",
    "￥5",
    "$ 5",
    "12:30",
    "3 am",
    "2026年1月",
    "6mar2026",
    "TRUE",
    "false",
    "MAR1",
    "Sept 2",
    "November-2026",
)
UNTOUCHED = (
    "",
    "张三",
    "*三",
    "4****************3",
    "default",
    "v2026-01",
    "invalid auth_token rid: 5f3a-12",
    "marriage 2026",
    "019e1234-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
    "0" * 8 + "ab" * 28,
)


@each("value", [*FORMULAS, *CONVERTED])
def test_what_a_spreadsheet_would_change_is_marked_as_text(value: str) -> None:
    assert as_csv(value) == f"'{value}"


@each("value", UNTOUCHED)
def test_other_text_is_left_as_it_is(value: str) -> None:
    assert as_csv(value) == value


@each(
    ("value", "written"),
    [
        (None, ""),
        (-1, "-1"),
        (94006, "94006"),
        (1_234_567_890_123_456_789, "'1234567890123456789"),  # an account's id
        (timezone.make_aware(datetime(2026, 11, 22, 4)), "2026-11-22 04:00:00"),
    ],
)
def test_numbers_and_times_stay_what_they_are_unless_they_would_be_rounded(
    value: Any, written: str
) -> None:
    assert as_csv(value) == written
