"""Access tokens: the stable ones, and those of the older /cgi-bin/token, kept apart."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from .errcodes import Refused

LIFETIME = 7200.0
RENEWED_EARLY = 300.0
OVERLAP = 300.0
FORCED_A_DAY = 20
FORCED_APART = 30.0
_BEIJING = 8 * 3600


@dataclass(frozen=True)
class IssuedToken:
    """The answer of a token call; `expires_in` in whole seconds, rounded down."""

    value: str = field(repr=False)
    expires_in: int


@dataclass
class _Token:
    value: str = field(repr=False)
    app_id: str
    expires_at: float
    dead_at: float = math.inf  # killed early: then 40001; a token that is merely old gives 42001
    repeats_when_dead: bool = False


class AccessTokens:
    """Issues access tokens and knows their appids. `lifetime` in seconds.

    Stable ones are renewed 5 minutes early; for a lifetime under 7200 s, 1/24 of it early, so that
    short-lived tokens are repeated, too.
    """

    def __init__(self, lock: Lock, clock: Callable[[], float], lifetime: float) -> None:
        self._lock = lock
        self._clock = clock
        self._lifetime = lifetime
        self._early = min(RENEWED_EARLY, lifetime * RENEWED_EARLY / LIFETIME)
        self._issued: dict[str, _Token] = {}
        self._stable: dict[str, _Token] = {}
        self._latest: dict[str, _Token] = {}
        self._forced: dict[str, list[float]] = {}

    def stable(self, app_id: str, *, force: bool) -> IssuedToken:
        """POST /cgi-bin/stable_token; raises `Refused` 45009 or 45011 for forcing too often."""
        with self._lock:
            now = self._clock()
            current = self._stable.get(app_id)
            if force:
                self._count_forced(app_id, now)
                _kill(current, now)
            elif current is not None and self._is_repeated(current, now):
                return _as_answered(current, now)
            self._stable[app_id] = self._issue(app_id, now)
            return _as_answered(self._stable[app_id], now)

    def latest(self, app_id: str) -> IssuedToken:
        """GET /cgi-bin/token: a new one each time; the one before lives 5 more minutes at most."""
        with self._lock:
            now = self._clock()
            _kill(self._latest.get(app_id), now + OVERLAP)
            self._latest[app_id] = self._issue(app_id, now)
            return _as_answered(self._latest[app_id], now)

    def app_id_of(self, value: str) -> str:
        """The appid of this token; raises `Refused` 41001 none, 40001 unknown or killed, 42001 old."""
        if not value:
            raise Refused(41001)
        with self._lock:
            token, now = self._issued.get(value), self._clock()
            if token is None:
                raise Refused(40001)
            if now >= token.expires_at:
                raise Refused(42001)
            if now >= token.dead_at:
                raise Refused(40001)
            return token.app_id

    def expire_all(self, *, keep_repeating: bool) -> int:
        """Kill all live tokens. Return how many there were.

        With `keep_repeating` the normal mode of stable_token still returns the dead token, until it is
        forced or the token's lifetime is over.
        """
        with self._lock:
            now = self._clock()
            live = [t for t in self._issued.values() if now < min(t.dead_at, t.expires_at)]
            for token in live:
                _kill(token, now)
            for token in self._stable.values():
                token.repeats_when_dead = keep_repeating
            return len(live)

    def kill(self, value: str, *, after: float = 0.0, keep_repeating: bool = False) -> None:
        """Kill one token early, in `after` seconds; `keep_repeating` as in `expire_all`."""
        with self._lock:
            token = self._issued.get(value)
            if token is not None:
                _kill(token, self._clock() + after)
                token.repeats_when_dead = keep_repeating

    def _issue(self, app_id: str, now: float) -> _Token:
        value = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(102)}"  # 139 characters
        token = self._issued[value] = _Token(value, app_id, now + self._lifetime)
        return token

    def _is_repeated(self, token: _Token, now: float) -> bool:
        young = token.expires_at - now > self._early
        return young and (now < token.dead_at or token.repeats_when_dead)

    def _count_forced(self, app_id: str, now: float) -> None:
        today = [at for at in self._forced.get(app_id, []) if _day(at) == _day(now)]
        if len(today) >= FORCED_A_DAY:
            raise Refused(45009)
        if today and now - today[-1] < FORCED_APART:
            raise Refused(45011)
        self._forced[app_id] = [*today, now]


def _kill(token: _Token | None, at: float) -> None:
    if token is not None:
        token.dead_at = min(token.dead_at, at)


def _as_answered(token: _Token, now: float) -> IssuedToken:
    return IssuedToken(token.value, int(token.expires_at - now))


def _day(at: float) -> int:
    return int((at + _BEIJING) // 86400)
