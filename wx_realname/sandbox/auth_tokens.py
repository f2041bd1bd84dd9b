"""The auth_tokens that the authorisation button hands out (section 4.1): good for one exchange."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from threading import Lock

from .citizens import Citizen
from .errcodes import Refused


@dataclass
class _Grant:
    citizen: Citizen
    app_id: str
    busy_left: int


class AuthTokens:
    """Issues auth_tokens and redeems them, each once. They don't expire."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._grants: dict[str, _Grant] = {}

    def issue(self, citizen: Citizen, app_id: str) -> str:
        """A new auth_token, as in the button's event."""
        auth_token = secrets.token_urlsafe(48)
        with self._lock:
            self._grants[auth_token] = _Grant(citizen, app_id, citizen.busy)
        return auth_token

    def redeem(self, auth_token: object, app_id: str) -> Citizen:
        """Consume the auth_token atomically, and return its citizen.

        Raises `Refused`: 94005 unknown, of another appid, or consumed; -1 while the citizen's
        `busy` lasts; 94002 and 94004 by the citizen. A refusal consumes nothing.
        """
        if not isinstance(auth_token, str):
            raise Refused(94005)
        with self._lock:
            grant = self._grants.get(auth_token)
            if grant is None or grant.app_id != app_id:
                raise Refused(94005)
            _refuse_what_is_missing(grant)
            del self._grants[auth_token]  # so that a second try gets 94005
            return grant.citizen


def _refuse_what_is_missing(grant: _Grant) -> None:
    if grant.busy_left:
        grant.busy_left -= 1
        raise Refused(-1)
    if not grant.citizen.wechat_pay:
        raise Refused(94002)
    if not grant.citizen.real_name_info:
        raise Refused(94004)
