"""What a text from outside must be before anything is done with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases import each
from wx_realname.personal_data import Secret
from wx_realname.text import clean_text


def fault(text: Any, max_length: int = 8, *, blank: bool = False) -> str | None:
    found = clean_text(Secret(text), max_length, blank=blank)
    return None if found is None else str(found)


@each("text", ["a", "x" * 8, "𠮷" * 8, " a ", "张三·李四", "$a\\n%s"])
def test_a_plain_text_is_taken_as_it_is(text: str) -> None:
    assert fault(text) is None


@each("text", [None, 1, 1.5, True, b"a", ["a"], {"a": "b"}])
@each("blank", [True, False])
def test_only_a_string_is_a_text(text: Any, blank: bool) -> None:
    assert fault(text, blank=blank) == "This must be a string."


@each("text", ["", " ", "\t\n", "\u3000", "\xa0"])
def test_a_blank_text_is_refused(text: str) -> None:
    assert fault(text) == "This must not be empty."


@pytest.mark.parametrize("text", ["", "  "])
def test_a_blank_text_is_taken_where_it_may_be_blank(text: str) -> None:
    assert fault(text, blank=True) is None


@each("text", ["x" * 9, "𠮷" * 9, " " * 8 + "x", "\x00" * 9])
@each("blank", [True, False])
def test_a_longer_text_is_refused_with_the_limit(text: str, blank: bool) -> None:
    assert fault(text, blank=blank) == "This must be at most 8 characters."


@each(
    "unclean",
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDBFF, 0xDC00, 0xDFFF)],
)
@each("place", ["{}ab", "a{}b", "ab{}"])
def test_control_characters_and_lone_surrogates_are_refused(place: str, unclean: str) -> None:
    assert fault(place.format(unclean)) == "This has control characters."


def test_a_fault_never_quotes_the_text() -> None:
    for text in ("secret-" * 9, "secret\x00", "secret\ud800"):
        assert "secret" not in str(fault(text))
