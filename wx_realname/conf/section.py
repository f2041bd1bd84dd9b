"""One dict of the setting while it is read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..exceptions import ConfigurationError
from ..personal_data import Secret
from ..text import VISIBLE_ASCII, trim


class Section:
    """One dict of the setting, with its place for messages; its repr shows no value.

    `read` returns the dict, so that no frame holds it when an error is raised.
    """

    def __init__(
        self, setting: str, read: Callable[[], Any], names: tuple[str, ...] | None = None
    ) -> None:
        self.setting = setting
        if not isinstance(read(), Mapping):
            raise ConfigurationError(f"{setting} must be a dict.")
        self._values: Mapping[str, Any] = read()
        for name in self._values:
            if names is not None and name not in names:
                close = nearest(name, names)
                known = f' Did you mean "{close}"?' if close else f" Known are: {', '.join(names)}."
                raise ConfigurationError(f"{self.place(name)} is unknown.{known}")

    def __repr__(self) -> str:
        return f"<{self.setting}>"

    def place(self, name: str) -> str:
        return f'{self.setting}["{name}"]'

    def wrong(self, name: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.place(name)} {what}")

    def given(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str | None:
        if not self.given(name):
            return default
        if not isinstance(self._values[name], str) or not trim(self._values[name]):
            raise self.wrong(name, "must be a string that isn't empty.")
        return trim(self._values[name])  # files end with a line break, or begin with a BOM

    def required(self, name: str, max_length: int = 512) -> str:
        if not self.given(name):
            raise self.wrong(name, "is missing: set it.")
        if len(self.text(name) or "") > max_length:
            raise self.wrong(name, f"is longer than {max_length} characters.")
        return self.text(name) or ""

    def visible(self, name: str, max_length: int = 512) -> str:
        """A required text of the kind that WeChat gives: a blank or another sign is an error of copying."""
        text = self.required(name, max_length)
        if not VISIBLE_ASCII.fullmatch(text):
            raise self.wrong(name, "must have visible ASCII characters only: copy it again.")
        return text

    def secret(self, name: str) -> Secret | None:
        return Secret(self.text(name) or "") if self.given(name) else None

    def passphrase(self, name: str) -> Secret | None:
        """As it stands, for blanks may be a part of it; at its ends they are refused."""
        if self.given(name) and self.text(name) != self._values[name]:
            raise self.wrong(
                name, "begins or ends with a blank, line break or invisible character: remove it."
            )
        return self.secret(name)

    def path(self, name: str) -> str | None:
        if self.given(name) and hasattr(self._values[name], "__fspath__"):
            return str(self._values[name])
        return self.text(name)

    def seconds(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
            raise self.wrong(name, "must be a positive number of seconds.")
        return float(value)

    def count(self, name: str, of: str, below: int) -> int | None:
        value = self.raw(name)
        if value is not None and (type(value) is not int or not 0 < value < below):
            raise self.wrong(name, f"must be a positive number of {of}, or None.")
        return value

    def switch(self, name: str) -> bool:
        value = self.raw(name, False)
        if type(value) is not bool:
            raise self.wrong(name, "must be True or False.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        value = self._values.get(name, choices[0])
        value = value.strip() if isinstance(value, str) else value
        if value not in choices:
            raise self.wrong(name, f"must be one of: {', '.join(choices)}.")
        return value

    def section(self, name: str, names: tuple[str, ...] | None = None) -> Section:
        return Section(self.place(name), lambda: self._values[name], names)

    def raw(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def texts(self, name: str) -> Iterator[tuple[str, Secret]]:
        """A list of secrets: each with its place, and wrapped before anything looks at it."""
        if not isinstance(self._values.get(name), (list, tuple)) or not self._values[name]:
            raise self.wrong(name, "must be a list with at least one key.")
        if not all(isinstance(text, str) for text in self._values[name]):
            raise self.wrong(name, "must be a list of strings.")
        return (
            (f"{self.place(name)}[{number}]", Secret(trim(text)))
            for number, text in enumerate(self._values[name])
        )


def nearest(name: object, names: tuple[str, ...]) -> str | None:
    """The one of the names that was probably meant."""
    close = difflib.get_close_matches(str(name).upper(), names, n=1, cutoff=0.5)
    return close[0] if close else None
