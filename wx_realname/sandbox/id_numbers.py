"""ID numbers that nobody has: no district has the code 999999; everything else in them is valid."""

from __future__ import annotations

_DISTRICT = "999999"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # ISO 7064 MOD 11-2
_CHECK_CHARACTERS = "10X98765432"

# The date of birth selects the table that the last number is from.
FAULTS_DAY, QUERY_FAULTS_DAY, VERIFY_RETS_DAY = "19900101", "19900102", "19900103"


def credential_id(day: str, number: int) -> str:
    """The ID number `999999 <day> <number, three digits> <check character>`."""
    first_17 = f"{_DISTRICT}{day}{number:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return first_17 + _CHECK_CHARACTERS[total % 11]
