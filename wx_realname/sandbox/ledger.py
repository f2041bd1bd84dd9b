"""The ledger: one entry for each call, without secrets."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .reply import Delivered
from .wire import Document

NEWEST_KEPT = 100_000


@dataclass
class Note:
    """What is known about a call so far; most of it goes into the ledger."""

    app_id: str | None = None
    auth_token_digest: str | None = None
    consumed: bool = False
    verdict: Document | None = None
    public_key: RSAPublicKey | None = field(default=None, repr=False)

    def token(self, token: object) -> None:
        """Keep the digest of what identifies the attempt: an auth_token, a code, an out_seq_no."""
        if isinstance(token, str):
            encoded = token.encode("utf-8", "surrogatepass")
            self.auth_token_digest = hashlib.sha256(encoded).hexdigest()


@dataclass(frozen=True)
class LedgerEntry:
    """One call. `at` is in UTC; `auth_token_digest` is SHA-256 in hex of the auth_token, the code or
    the out_seq_no; unknown values are None.

    `errcode` is WeChat's decision, even where a fault hid it; None where the call wasn't processed.
    `consumed`: the auth_token or code was redeemed, or the out_seq_no taken. `fault`: the fault that the
    call met. `delivered`: how much of an answer was given to the network, "nothing", "part" or "whole";
    a fault may make a whole answer invalid. `verdict`: the result of a check or a face, in WeChat's words.
    """

    call: str
    at: datetime
    app_id: str | None
    errcode: int | None
    auth_token_digest: str | None
    consumed: bool
    fault: str | None = None
    delivered: Delivered = "nothing"
    verdict: Document | None = None

    def as_json(self) -> dict[str, object]:
        """The entry as `GET /sandbox/ledger` shows it."""
        return {**self.__dict__, "at": self.at.isoformat()}


class Line:
    """An entry in the ledger, to add later how much was delivered."""

    def __init__(self, lock: Lock, entry: LedgerEntry) -> None:
        self._lock = lock
        self.entry = entry

    def tell(self, delivered: Delivered) -> None:
        """Note how much was delivered."""
        with self._lock:
            self.entry = replace(self.entry, delivered=delivered)


class Ledger:
    """Keeps the newest 100,000 entries, oldest first, and counts all of them."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._lines: deque[Line] = deque(maxlen=NEWEST_KEPT)
        self._totals: Counter[str] = Counter()

    def record(self, entry: LedgerEntry) -> Line:
        """Add an entry."""
        line = Line(self._lock, entry)
        with self._lock:
            self._lines.append(line)
            self._totals[entry.call] += 1
        return line

    def read(self) -> tuple[tuple[LedgerEntry, ...], Mapping[str, int]]:
        """The entries, and the number of calls by name, as of one moment."""
        with self._lock:
            return tuple(line.entry for line in self._lines), dict(self._totals)

    def reset(self) -> int:
        """Remove all entries. Return how many there were."""
        with self._lock:
            count = len(self._lines)
            self._lines.clear()
            self._totals.clear()
            return count
