"""The codes of WeChat's city service, each good for one checkrealnameinfo."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from threading import Lock

from .citizens import Citizen
from .errcodes import Refused


@dataclass(frozen=True)
class Visit:
    """A citizen's visit to the city service, with the citizen's openid in that mini-program."""

    citizen: Citizen
    openid: str
    app_id: str


class CheckCodes:
    """Issues codes and redeems them, each once."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._visits: dict[str, Visit] = {}
        self._used: set[str] = set()

    def issue(self, visit: Visit) -> str:
        """A new code, as the mini-program gets it in `extraData`."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._visits[code] = visit
        return code

    def redeem(self, code: object, openid: object, app_id: str) -> Citizen:
        """Use the code up; raises `Refused` 80111 (unknown), 80113 (used, or another citizen's)."""
        if not isinstance(code, str):
            raise Refused(80111)
        with self._lock:
            visit = self._visits.get(code)
            if visit is None:
                raise Refused(80111)
            if code in self._used or (visit.openid, visit.app_id) != (openid, app_id):
                raise Refused(80113)
            self._used.add(code)
            return visit.citizen
