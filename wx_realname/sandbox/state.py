"""All that this WeChat knows, under one lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from threading import Lock

from .access_tokens import LIFETIME, AccessTokens
from .auth_tokens import AuthTokens
from .ledger import Ledger, LedgerEntry, Note
from .login_codes import LoginCodes
from .merchants import Merchant, Registry


class State:
    """The rooms of the stand-in. Each takes the one lock by itself, none calls another.

    `token_lifetime` in seconds; `clock` tells Unix seconds, and a test may hand in its own.
    """

    def __init__(
        self,
        merchants: Iterable[Merchant],
        token_lifetime: float = LIFETIME,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not token_lifetime > 0:
            raise ValueError("token_lifetime: must be more than 0 seconds")
        lock = Lock()
        self.now = clock
        self.registry = Registry(merchants)
        self.access_tokens = AccessTokens(lock, clock, token_lifetime)
        self.auth_tokens = AuthTokens(lock)
        self.login_codes = LoginCodes(lock)
        self.ledger = Ledger(lock)

    def record(self, call: str, errcode: int, note: Note) -> None:
        """Write a finished call into the ledger."""
        at = datetime.fromtimestamp(self.now(), timezone.utc)
        self.ledger.record(
            LedgerEntry(call, at, note.app_id, errcode, note.auth_token_digest, note.consumed)
        )
