"""Reads the JSON of a control call strictly: every mistake is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T", str, bool, int)


class BadControl(Exception):
    """A control call that can't be done; the text says what is wrong, and with which field."""


class Fields:
    """The fields of a control body. Raises `BadControl`; an empty body is an empty object."""

    def __init__(self, body: bytes, *known: str) -> None:
        self._values = _object(body)
        for name in self._values:
            if name not in known:
                takes = ", ".join(known) or "nothing"
                raise BadControl(f"unknown field {ascii(name)[:60]}; this call takes {takes}")

    def text(self, name: str) -> str:
        """A string that must be there, and not be empty."""
        value = self.optional_text(name)
        if value is None:
            raise BadControl(f"{name}: is missing")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, not empty, or None where the field is missing or null."""
        value = self._typed(name, str, "a string")
        if value == "":
            raise BadControl(f"{name}: must not be empty")
        if value and any("\ud800" <= character <= "\udfff" for character in value):
            raise BadControl(f"{name}: half a character (a lone surrogate) can't be written")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self._typed(name, bool, "true or false")
        return default if value is None else value

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number in these bounds, or None where the field is missing or null."""
        value = self._typed(name, int, f"a whole number from {least} to {most}")
        if value is not None and not least <= value <= most:
            raise BadControl(f"{name}: must be a whole number from {least} to {most}")
        return value

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1, or None where the field is missing or null."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise BadControl(f"{name}: must be a number from 0 to 1")
        return float(value)

    def _typed(self, name: str, kind: type[T], wanted: str) -> T | None:
        value = self._values.get(name)
        if value is None:
            return None
        if type(value) is not kind:  # isinstance would take true for 1
            raise BadControl(f"{name}: must be {wanted}")
        return value


def _object(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise BadControl("the body: is not JSON") from None
    if not isinstance(document, dict):
        raise BadControl("the body: must be a JSON object")
    return document
