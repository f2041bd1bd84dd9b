"""The access_token: from the cache (sealed), from stable_token, or from the site's own provider.

stable_token's normal mode gives every process the same token, so processes need no lock among
themselves; within a process one thread fetches and the others wait for its result.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any, Protocol

from .. import signals
from ..exceptions import RealNameError, WeChatUnreachable
from ..personal_data import Secret
from ..waiting import Wait, within
from .per_process import PerProcess
from .reading import Deadline

logger = logging.getLogger(__name__)

FORCE_APART = 30  # seconds between forced refreshes, as WeChat demands
FORCE_PAUSE = 0.5  # seconds between two looks for a token that another process forces
FORCE_LOOKS = 8
MAX_TOKEN_LENGTH = 2048

Fetch = Callable[[bool, Deadline], "tuple[Secret, int]"]


class Cache(Protocol):
    """What is used of Django's cache API. An error of any kind counts as a miss: who raises it logs it."""

    def get(self, key: str) -> Any: ...
    def set(self, key: str, value: Any, timeout: float | None) -> Any: ...
    def add(self, key: str, value: Any, timeout: float | None) -> Any: ...
    def delete(self, key: str) -> Any: ...


class Seal(Protocol):
    """The cipher for what lies in the cache; `context` is bound to the value."""

    def seal(self, plaintext: str, context: bytes) -> bytes: ...
    def open(self, envelope: bytes, context: bytes) -> str: ...


class AccessTokens(Protocol):
    """A source of access tokens."""

    def current(self, deadline: Deadline) -> Secret:
        """A token to try."""

    def replace(self, rejected: Secret, deadline: Deadline) -> Secret:
        """A token to try instead; the rejected one when there is no other."""


class ProvidedTokens:
    """From ACCESS_TOKEN_PROVIDER: `provider(app_id)` returns the token of a central service.

    It is asked at each call, for at most the rest of the deadline, and once more when WeChat refuses what
    it gave. `wait` does the waiting, as `waiting.within` does.
    """

    def __init__(
        self, provider: Callable[[str], str], app_id: str, wait: Wait[Secret] = within
    ) -> None:
        self._provider = provider
        self._app_id = app_id
        self._wait = wait

    def current(self, deadline: Deadline) -> Secret:
        fault = "it returned no token"
        try:
            token = self._wait(deadline.remaining(), lambda: Secret(self._provider(self._app_id)))
            if is_token(token):
                return token
        except Exception as error:  # its message may hold a token
            fault = type(error).__name__
        logger.error("ACCESS_TOKEN_PROVIDER failed for %s: %s", self._app_id, fault)
        raise WeChatUnreachable(reason=f"ACCESS_TOKEN_PROVIDER failed: {fault}")

    def replace(self, rejected: Secret, deadline: Deadline) -> Secret:
        return self.current(deadline)


class StableTokens:
    """From stable_token, through the cache.

    The cache comes first, so that clearing it means a fresh start. The process keeps a copy of its own
    only while the cache doesn't keep values: an outage must not use up the quota.
    """

    def __init__(self, fetch: Fetch, cache: Cache, seal: Seal, name: str) -> None:
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        self._key = f"wx_realname:access_token:{digest}"
        self._fetch = fetch
        self._cache = cache
        self._seal = seal
        self._own: tuple[Secret, float] | None = None  # and when it ends, monotonic
        self._open: tuple[bytes, Secret, float] = (b"", Secret(""), 0.0)  # sealed, and opened
        self._flights = PerProcess(_Flights)
        self._forced_at = float("-inf")

    def current(self, deadline: Deadline) -> Secret:
        return self._read_cache() or self._fly(
            lambda: self._read_cache() or self._renew(deadline), deadline
        )

    def replace(self, rejected: Secret, deadline: Deadline) -> Secret:
        return self._fly(lambda: self._replace(rejected, deadline), deadline, unwanted=rejected)

    def _replace(self, rejected: Secret, deadline: Deadline) -> Secret:
        held = self._read_cache()
        if held and held != rejected:
            return held  # another thread or process has refreshed it
        self._drop()
        token = self._renew(deadline)
        if token != rejected:
            return token
        self._drop()
        return self._force(rejected, deadline)

    def _force(self, rejected: Secret, deadline: Deadline) -> Secret:
        """WeChat returned the rejected token again: force a new one, or wait for the process that does."""
        if time.monotonic() - self._forced_at < FORCE_APART:
            return rejected  # a token forced just now is refused: forcing again doesn't help
        if self._first_in_cache():
            self._forced_at = time.monotonic()
            return self._renew(deadline, force=True)
        for _ in range(FORCE_LOOKS):
            time.sleep(min(FORCE_PAUSE, deadline.remaining()))
            token = self._renew(deadline)
            if token != rejected:
                return token
        self._drop()
        return rejected

    def _fly(
        self, work: Callable[[], Secret], deadline: Deadline, unwanted: Secret | None = None
    ) -> Secret:
        """One thread fetches; others wait for its result or error.

        A caller may have joined a refresh that began before its token was refused: then refresh again.
        """
        flights = self._flights()
        with flights.lock:
            flight, mine = flights.current, flights.current is None
            if flight is None:
                flight = flights.current = Future()
        if not mine:
            token = _result_of(flight, deadline)
            return self._fly(work, deadline) if token == unwanted else token
        try:
            flight.set_result(work())
        except BaseException as error:
            flight.set_exception(error if isinstance(error, RealNameError) else WeChatUnreachable())
            raise
        finally:
            with flights.lock:
                flights.current = None
        return flight.result()

    def _renew(self, deadline: Deadline, *, force: bool = False) -> Secret:
        token, expires_in = self._fetch(force, deadline)
        signals.access_token_fetched.send_robust(sender=None, forced=force)
        self._keep(token, expires_in - min(300, expires_in // 10))
        return token

    def _first_in_cache(self) -> bool:
        """Whether nobody forced in the last 30 s, in any process (in this one, if the cache is down)."""
        try:
            return bool(self._cache.add(self._key + ":forced", 1, FORCE_APART))
        except Exception:
            return True

    def _read_cache(self) -> Secret | None:
        try:
            return self._unseal(self._cache.get(self._key)) or self._own_copy()
        except Exception:
            return self._own_copy()

    def _unseal(self, sealed: Any) -> Secret | None:
        """The token, or None when there is none, or it can't be decrypted or has expired.

        The same ciphertext isn't decrypted twice in a row.
        """
        if not isinstance(sealed, bytes):
            return None
        known, token, ends_at = self._open
        if known != sealed:
            text, ends_at = json.loads(self._seal.open(sealed, self._key.encode()))
            token = Secret(text)
            self._open = (sealed, token, ends_at)
        return token if time.time() < ends_at else None

    def _own_copy(self) -> Secret | None:
        signals.cache_missed.send_robust(sender=None)
        own = self._own
        return own[0] if own and time.monotonic() < own[1] else None

    def _keep(self, token: Secret, seconds: int) -> None:
        ends_at = time.time() + seconds
        try:
            sealed = self._seal.seal(json.dumps([token.reveal(), ends_at]), self._key.encode())
            self._cache.set(self._key, sealed, seconds)
            held = self._cache.get(self._key) == sealed
        except Exception:
            held = False
        self._own = None if held else (token, time.monotonic() + seconds)

    def _drop(self) -> None:
        self._own = None
        with suppress(Exception):
            self._cache.delete(self._key)


class _Flights:
    """The fetch that is under way in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: Future[Secret] | None = None


def is_token(token: Secret) -> bool:
    """Whether it can be an access_token: WeChat's documentation says to expect 512 characters or more."""
    text: Any = token.reveal()
    return (
        isinstance(text, str)
        and text.isascii()
        and text.isprintable()
        and (0 < len(text) <= MAX_TOKEN_LENGTH and " " not in text)
    )


def _result_of(flight: Future[Secret], deadline: Deadline) -> Secret:
    try:
        error = flight.exception(timeout=deadline.remaining())
    except FutureTimeoutError:
        error = WeChatUnreachable()
    if isinstance(error, RealNameError):
        # A new error: the leader's is raised in its own thread.
        raise type(error)(wechat=error.wechat, reason=error.reason)
    return flight.result()
