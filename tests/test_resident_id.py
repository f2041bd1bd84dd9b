"""The ID number against python-stdnum, the calendar, and what merely looks like a number."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from stdnum.cn import ric

from tests.cases import each
from wx_realname import resident_id

VALID = "440524198001010013"
BIRTH_DATES = st.dates(date(1800, 1, 1), date(2020, 1, 1))


def number_of(born: date, rest: str = "001X") -> str:
    return f"440524{born:%Y%m%d}{rest}"


@pytest.mark.once
@hypothesis_settings(deadline=None, max_examples=500)
@given(st.from_regex(r"[0-9]{17}", fullmatch=True))
def test_check_digits_are_those_of_python_stdnum(first_17: str) -> None:
    assert resident_id.check_character(first_17) == ric.calc_check_digit(first_17 + "0")


@hypothesis_settings(deadline=None)
@given(BIRTH_DATES, st.from_regex(r"[0-9]{3}", fullmatch=True), st.sampled_from("0123456789X"))
def test_only_the_right_check_digit_holds(born: date, order: str, last: str) -> None:
    number = number_of(born, rest=order + last)
    assert resident_id.normalize(number) == number  # the check digit is advisory
    assert resident_id.check_digit_holds(number) is (ric.calc_check_digit(number) == last)


@hypothesis_settings(deadline=None)
@given(BIRTH_DATES)
def test_the_birth_date_is_read_from_the_number(born: date) -> None:
    assert resident_id.birth_date(number_of(born)) == born


@each("published", ["11010519491231002X", "440524188001010014", "320311770706001"])
def test_published_numbers_are_accepted(published: str) -> None:
    """Those of GB 11643-1999, and one in the old form."""
    assert resident_id.normalize(published) == published
    assert resident_id.check_digit_holds(published) is (True if len(published) == 18 else None)


@each(
    ("typed", "number"),
    [
        ("11010519491231002x", "11010519491231002X"),
        (f"  {VALID}\r\n", VALID),
        # residence permits, and an unknown county
        *((f"{place}199005170013",) * 2 for place in ("810000", "820000", "830000", "999999")),
    ],
)
def test_a_number_is_taken_in_its_one_form(typed: str, number: str) -> None:
    assert resident_id.normalize(typed) == number


@each(
    ("number", "eighteen"),
    [("130503670401001", "130503196704010016"), ("320311770706001", "320311197707060018")],
)
def test_a_15_digit_number_has_its_18_digit_form(number: str, eighteen: str) -> None:
    assert resident_id.to_18(number) == eighteen


@hypothesis_settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.from_regex(r"[0-9]{3}", fullmatch=True))
def test_every_15_digit_number_becomes_a_valid_one(born: date, order: str) -> None:
    number = f"440524{born:%y%m%d}{order}"
    assert resident_id.normalize(number) == number
    eighteen = resident_id.to_18(number)
    assert eighteen == resident_id.to_18(eighteen)
    assert ric.calc_check_digit(eighteen) == eighteen[-1]
    assert resident_id.birth_date(number) == resident_id.birth_date(eighteen) == born


DAYS = {
    True: "20000229 19960229 18000101",
    False: "19000229 20010229 19800231 19800431 19801301 19800001 19800100 17991231 00000101",
}


@each(("exists", "days"), DAYS.items())
def test_a_birth_date_is_a_day_of_the_calendar(exists: bool, days: str) -> None:
    numbers = [resident_id.normalize(f"440524{day}0013") for day in days.split()]
    assert [number is not None for number in numbers] == [exists] * len(numbers)


def test_the_day_of_birth_is_today_at_the_latest() -> None:
    today = datetime.now(timezone(timedelta(hours=8))).date()
    assert resident_id.today() - today in (timedelta(0), timedelta(1))  # midnight may have passed
    assert resident_id.normalize(number_of(today)) == number_of(today)
    assert resident_id.normalize(number_of(today + timedelta(days=2))) is None
    assert resident_id.normalize(number_of(date(2099, 1, 1))) is None


@each(
    "number",
    [
        "",
        " ",
        VALID[:14],
        VALID[:16],
        VALID[:17],
        VALID + "3",
        "1305036704010011",  # 16 digits
        "13050367040100X",  # no X in the old form
        "44052419800101X013",  # X elsewhere than at the end
        VALID[:-1] + "Y",
        VALID[:-1] + "×",
        "44052419800101 013",
        "440524-19800101-0013",
        "-40524198001010013",
        "+4052419800101001３",
        VALID.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),  # Arabic-Indic
        VALID[:6] + "١٩٨٠" + VALID[10:],
        "11010519491231002Ⅹ",  # Roman ten
        "11010519491231002Х",  # Cyrillic
        VALID[:17] + "²",
        VALID[:10] + "\n" + VALID[10:-1],
        VALID + "\x00",
    ],
)
def test_what_only_looks_like_a_number_is_refused(number: str) -> None:
    assert resident_id.normalize(number) is None


@hypothesis_settings(deadline=None)
@given(st.text() | st.text("0123456789Xx０٣ ", min_size=14, max_size=20))
def test_whatever_comes_gives_a_number_or_none(text: str) -> None:
    number = resident_id.normalize(text)
    if number is not None:
        assert number.isascii()
        assert len(number) in (15, 18)
        assert resident_id.normalize(number) == number
        assert resident_id.birth_date(number) is not None


@each(
    ("born", "on", "years"),
    [
        (date(2000, 6, 15), date(2018, 6, 14), 17),
        (date(2000, 6, 15), date(2018, 6, 15), 18),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
        (date(2000, 12, 31), date(2001, 1, 1), 0),
        (date(2000, 1, 1), date(2000, 1, 1), 0),
    ],
)
def test_age_counts_full_years(born: date, on: date, years: int) -> None:
    assert resident_id.age(born, on) == years
