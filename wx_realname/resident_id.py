"""The resident ID number of the People's Republic of China (GB 11643-1999): shape, date, check digit.

The check digit is advisory: some issued numbers have a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from operator import mul

CHINA = timezone(timedelta(hours=8))
_EARLIEST_YEAR = 1800
SHAPE = "[0-9]{17}[0-9Xx]|[0-9]{15}"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")
_CHECK_CHARACTERS = "10X98765432"


def today() -> date:
    """The date in China, by which ages and birth dates are judged."""
    return datetime.now(CHINA).date()


def normalize(number: str) -> str | None:
    """The normalized number, or None when it doesn't have the form of an ID number.

    Lower-case x and full-width digits are folded; blanks and format characters, which a paste brings
    along, are dropped.
    Accepted: 17 digits and a digit or X, or the old 15 digits, with a real birth date that isn't
    in the future.
    """
    folded = number.strip().translate(_FULL_WIDTH).upper()
    number = "".join(sign for sign in folded if unicodedata.category(sign) not in ("Cf", "Zs"))
    if not re.fullmatch(SHAPE, number) or birth_date(number) is None:
        return None
    return number


def birth_date(number: str) -> date | None:
    """The date of birth in a number, or None when there is no such day or it is in the future."""
    digits = number[6:14] if len(number) == 18 else "19" + number[6:12]
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return born if born.year >= _EARLIEST_YEAR and born <= today() else None


def age(born: date, on: date) -> int:
    """Full years of life. A birthday on 29 February counts as 1 March in other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def age_of(number: str) -> int | None:
    """The age of the number's holder, today in China; None where it has no valid birth date."""
    born = birth_date(number)
    return age(born, today()) if born else None


def check_character(first_17: str) -> str:
    """The 18th character by ISO 7064 MOD 11-2."""
    total = sum(map(mul, map(int, first_17), _WEIGHTS))
    return _CHECK_CHARACTERS[total % 11]


def check_digit_holds(number: str) -> bool | None:
    """Whether the 18th character is right; None for 15 digits, which have none."""
    return number[17] == check_character(number[:17]) if len(number) == 18 else None


def to_18(number: str) -> str:
    """The 18-character form; 15-digit numbers were issued to people born in the 1900s."""
    if len(number) == 18:
        return number
    first_17 = number[:6] + "19" + number[6:]
    return first_17 + check_character(first_17)
