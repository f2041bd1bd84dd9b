"""What our server asked of WeChat for one visitor: the sandbox's ledger, which holds no secret."""

from __future__ import annotations

import hashlib
from typing import Any

from .control import Control
from .ways import WAYS

_SHOWN = ("call", "at", "errcode", "consumed", "fault", "verdict")
_OF_NOBODY = ("stable_token", "token", *(way.call for way in WAYS.values()))


def digest_of(token: str) -> str:
    """How the ledger names an auth_token or a code: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def length(control: Control) -> int:
    """How many calls the sandbox has seen. Raises `Refused`."""
    return _read(control)[1]


def calls(control: Control, digest: str, since: int) -> list[dict[str, Any]]:
    """The calls after the `since`th with this token or code, oldest first. Raises `Refused`.

    Those that carry none at all belong to it too: the server fetches an access_token, or
    is told that the one it has is dead, before WeChat looks at anything else.
    """
    entries, count = _read(control)
    newest = entries[-(count - since) :] if count > since else []
    return [_shown(entry) for entry in newest if _belongs(entry, digest)]


def _read(control: Control) -> tuple[list[dict[str, Any]], int]:
    ledger = control.get("ledger")
    return ledger["entries"], sum(ledger["totals"].values())


def _belongs(entry: dict[str, Any], digest: str) -> bool:
    owner = entry["auth_token_digest"]
    return owner == digest or (owner is None and entry["call"] in _OF_NOBODY)


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in _SHOWN if name in entry}
