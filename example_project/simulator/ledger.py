"""What our server asked of WeChat for one visitor: the sandbox's ledger, which holds no secret."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection
from typing import Any
from uuid import UUID

from .control import Control
from .ways import BEGIN_FACE, WAYS

_TRIES = 3  # of getverifyid, each with an out_seq_no of its own
_SHOWN = ("call", "at", "errcode", "consumed", "fault", "verdict")
_OF_NOBODY = ("stable_token", "token", BEGIN_FACE, *(way.call for way in WAYS.values()))


def digest_of(token: str) -> str:
    """How the ledger names an auth_token or a code: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def digests_of_face(record: UUID) -> list[str]:
    """How the ledger names a face's tries: by the out_seq_no that our server makes of the record's id."""
    short = urlsafe_b64encode(record.bytes).decode().rstrip("=")
    return [digest_of(f"{short}-{number}") for number in range(1, _TRIES + 1)]


def length(control: Control) -> int:
    """How many calls the sandbox has seen. Raises `Refused`."""
    return _read(control)[1]


def calls(control: Control, digests: Collection[str], since: int) -> list[dict[str, Any]]:
    """The calls after the `since`th with one of these digests, oldest first. Raises `Refused`.

    Those that carry none at all belong to it too: the server fetches an access_token, or
    is told that the one it has is dead, before WeChat looks at anything else.
    """
    entries, count = _read(control)
    newest = entries[-(count - since) :] if count > since else []
    return [_shown(entry) for entry in newest if _belongs(entry, digests)]


def _read(control: Control) -> tuple[list[dict[str, Any]], int]:
    ledger = control.get("ledger")
    return ledger["entries"], sum(ledger["totals"].values())


def _belongs(entry: dict[str, Any], digests: Collection[str]) -> bool:
    owner = entry["auth_token_digest"]
    return owner in digests or (owner is None and entry["call"] in _OF_NOBODY)


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in _SHOWN if name in entry}
