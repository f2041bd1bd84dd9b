"""The setting `WX_REALNAME` as frozen dataclasses, read on access so that `override_settings` works.

A wrong value raises `ConfigurationError`, which names the setting and the remedy, and never a
secret; nor do the local variables here hold one, so a traceback can be reported as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from ..exceptions import ConfigurationError
from .command import UNREADABLE, is_command, refuse_unreadable
from .reading import MAX_ALIAS, is_loopback, read
from .schema import (
    HASH_ALGORITHMS,
    HASH_KEY_BYTES,
    KEY_BYTES,
    MERCHANT_NAMES,
    NAMES,
    EncryptionKey,
    HashKey,
    KeySource,
    Merchant,
    Settings,
)
from .section import Section
from .variables import PREFIX, with_variable

__all__ = [
    "HASH_ALGORITHMS",
    "HASH_KEY_BYTES",
    "KEY_BYTES",
    "MAX_ALIAS",
    "MERCHANT_NAMES",
    "NAMES",
    "PREFIX",
    "UNREADABLE",
    "EncryptionKey",
    "HashKey",
    "KeySource",
    "Merchant",
    "Settings",
    "current",
    "is_command",
    "is_loopback",
    "is_set",
    "refuse_unreadable",
]


class _Parsed:
    """The last setting read, and its result. The copy detects a dict that was changed in place."""

    def __init__(self) -> None:
        refuse_unreadable(settings.WX_REALNAME)
        self._raw = _copy(settings.WX_REALNAME)
        self.settings = read(Section("WX_REALNAME", lambda: settings.WX_REALNAME, NAMES))

    def was_read_from(self, raw: Any) -> bool:
        return bool(self._raw == raw)


def _copy(value: Any) -> Any:
    """A copy of dicts and lists at any depth; `deepcopy` would fail for values that are refused later."""
    if isinstance(value, Mapping):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(member) for member in value] if isinstance(value, list) else value


_last: _Parsed | None = None


@receiver(setting_changed)
def _forget(*, setting: str, **changed: Any) -> None:
    """A test overrides the settings. Comparison alone isn't enough, because True equals 1."""
    global _last
    if setting in ("WX_REALNAME", "USE_TZ", "CACHES"):
        _last = None


_MISSING = "WX_REALNAME is missing: see “Settings” in the README, or wx_realname.env.settings()."
_EMPTY = (
    "WX_REALNAME is empty. If wx_realname.env.settings() made it, no variable WX_REALNAME_… is set: "
    "was the file that has them loaded?"
)


def current() -> Settings:
    """The settings as they are now.

    Raises `ConfigurationError`, which names what is wrong, or that WX_REALNAME is missing.
    """
    global _last
    parsed = _last
    if parsed is not None and parsed.was_read_from(getattr(settings, "WX_REALNAME", None)):
        return parsed.settings
    if not is_set():
        absent = getattr(settings, "WX_REALNAME", None) is None
        raise ConfigurationError(_MISSING if absent else _EMPTY)
    try:
        _last = parsed = _Parsed()
        return parsed.settings
    except ConfigurationError as error:
        complaint = with_variable(str(error))
    raise ConfigurationError(complaint)  # outside, without the frames of the reading


def is_set() -> bool:
    """Whether there is anything to read; without a WX_REALNAME variable it is an empty dict."""
    return getattr(settings, "WX_REALNAME", None) not in (None, {})
