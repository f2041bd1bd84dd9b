"""All that this WeChat knows, under one lock."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from threading import Lock

from .access_tokens import LIFETIME, AccessTokens
from .auth_tokens import AuthTokens
from .check_codes import CheckCodes
from .faces import Faces
from .ledger import Ledger, LedgerEntry, Line, Note
from .login_codes import LoginCodes
from .merchants import Merchant, Registry


class State:
    """The parts of the state. All take the same lock; none calls another.

    `token_lifetime` in seconds; `clock` returns Unix seconds; a test may pass its own.
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
        self.check_codes = CheckCodes(lock)
        self.faces = Faces(lock)
        self.ledger = Ledger(lock)

    def with_clock_off_by(self, seconds: float) -> State:
        """The same state with a wrong clock; access tokens keep the right one."""
        other, clock = copy.copy(self), self.now
        other.now = lambda: clock() + seconds
        return other

    def record(self, call: str, errcode: int | None, note: Note, fault: str | None) -> Line:
        """Write an answered call into the ledger; how much was delivered isn't known yet."""
        at = datetime.fromtimestamp(self.now(), timezone.utc)
        entry = LedgerEntry(
            call=call,
            at=at,
            app_id=note.app_id,
            errcode=errcode,
            auth_token_digest=note.auth_token_digest,
            consumed=note.consumed,
            fault=fault,
            verdict=note.verdict,
        )
        return self.ledger.record(entry)
