"""What happened: one entry a WeChat call, without a secret in it."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

NEWEST_KEPT = 100_000


@dataclass
class Note:
    """What the ledger will say of a call, filled in as the call finds it out."""

    app_id: str | None = None
    auth_token_digest: str | None = None
    consumed: bool = False

    def auth_token(self, auth_token: object) -> None:
        """Keep the auth_token's digest, never the token."""
        if isinstance(auth_token, str):
            encoded = auth_token.encode("utf-8", "surrogatepass")
            self.auth_token_digest = hashlib.sha256(encoded).hexdigest()


@dataclass(frozen=True)
class LedgerEntry:
    """One call. `at` is in UTC; `auth_token_digest` is SHA-256 in hex; unknown things are None."""

    call: str
    at: datetime
    app_id: str | None
    errcode: int
    auth_token_digest: str | None
    consumed: bool

    def as_json(self) -> dict[str, object]:
        """The entry as `GET /sandbox/ledger` shows it."""
        return {**self.__dict__, "at": self.at.isoformat()}


class Ledger:
    """Keeps the newest 100,000 entries, oldest first, and counts all of them."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._entries: deque[LedgerEntry] = deque(maxlen=NEWEST_KEPT)
        self._totals: Counter[str] = Counter()

    def record(self, entry: LedgerEntry) -> None:
        """Add an entry."""
        with self._lock:
            self._entries.append(entry)
            self._totals[entry.call] += 1

    def read(self) -> tuple[tuple[LedgerEntry, ...], Mapping[str, int]]:
        """The entries, and the number of calls by name, of one moment."""
        with self._lock:
            return tuple(self._entries), dict(self._totals)

    def reset(self) -> int:
        """Forget everything; tells how many entries there were."""
        with self._lock:
            count = len(self._entries)
            self._entries.clear()
            self._totals.clear()
            return count
