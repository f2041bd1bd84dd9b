"""UUIDv7 by RFC 9562, section 5.7."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from wx_realname.uuid7 import uuid7


def milliseconds(identifier: UUID) -> int:
    return identifier.int >> 80


def test_version_and_variant_are_those_of_the_rfc() -> None:
    for identifier in (uuid7() for _ in range(200)):
        assert (identifier.version, identifier.variant) == (7, RFC_4122)


def test_the_first_48_bits_are_the_unix_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    identifier = uuid7()
    assert before <= milliseconds(identifier) <= time.time_ns() // 1_000_000


def test_an_id_of_a_later_millisecond_sorts_after() -> None:
    earlier = uuid7()
    while time.time_ns() // 1_000_000 <= milliseconds(earlier):
        pass
    later = uuid7()
    assert earlier < later
    assert str(earlier) < str(later)
    assert earlier.bytes < later.bytes


def test_all_74_other_bits_are_random() -> None:
    """Each bit is seen both set and unset: the chance of missing one is below 2 ** -100."""
    identifiers = [uuid7().int for _ in range(200)]
    some = every = identifiers[0]
    for identifier in identifiers:
        some |= identifier
        every &= identifier
    changing = (some & ~every) & ((1 << 80) - 1)
    assert changing == ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62)
