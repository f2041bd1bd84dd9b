"""The codes of wx.login, each good for one /sns/jscode2session."""

from __future__ import annotations

import base64
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock

from .errcodes import Refused


@dataclass(frozen=True)
class Login:
    """A login: what jscode2session answers for the code."""

    openid: str
    app_id: str
    unionid: str | None = None
    session_key: str = field(
        repr=False, default_factory=lambda: base64.b64encode(secrets.token_bytes(16)).decode()
    )


class LoginCodes:
    """Issues codes and redeems them, each once."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._logins: dict[str, Login] = {}
        self._used: set[str] = set()
        self._apps: defaultdict[str, set[str]] = defaultdict(set)

    def issue(self, login: Login) -> str:
        """A new code, as wx.login gives it to the mini-program."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._logins[code] = login
            self._apps[login.openid].add(login.app_id)
        return code

    def redeem(self, code: str, app_id: str) -> Login:
        """Use the code up; raises `Refused` 40029 (unknown, or another appid's), 40163 (used)."""
        with self._lock:
            login = self._logins.get(code)
            if login is None or login.app_id != app_id:
                raise Refused(40029)
            if code in self._used:
                raise Refused(40163)
            self._used.add(code)
            return login

    def apps_of(self, openid: str) -> frozenset[str]:
        """The appids to which this openid has logged in."""
        with self._lock:
            return frozenset(self._apps.get(openid, ()))


def new_openid() -> str:
    """An openid in WeChat's form: `o` and 27 more characters."""
    return "o" + secrets.token_urlsafe(21)[:27]
