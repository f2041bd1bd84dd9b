"""The local WeChat with somebody in between, for what the sandbox alone doesn't do."""

from __future__ import annotations

import time
from typing import Any

import requests

from tests.lying_wechat import (
    BEGIN,
    CHECK,
    PATIENCE,
    QUERY,
    REALNAME,
    TOKEN,
    Call,
    LyingWeChat,
    Script,
)
from tests.stand_ins import Seen, says
from wx_realname.sandbox import Sandbox

CONTROL = tuple(
    f"/sandbox/{call}"
    for call in (
        *("", "auth_tokens", "check_codes", "login_codes", "expire_access_tokens"),
        *("ledger", "faults", "faces"),
    )
)


def passes_on(address: str) -> Script:
    """What the sandbox answers."""

    def script(sock: Any, seen: Seen) -> bool:
        url = address + seen.target
        answer = requests.request(seen.method, url, data=seen.body, timeout=PATIENCE)
        return says(answer.content, answer.status_code)(sock, seen)

    return script


class LocalWeChat(LyingWeChat):
    """The sandbox, with somebody in between who may spoil what it answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._honest = passes_on(sandbox.url)
        super().__init__()

    def forget(self) -> None:
        super().forget()
        for path in (*CONTROL, TOKEN, REALNAME, CHECK, BEGIN, QUERY, "/sns/jscode2session"):
            self.play(self._honest, path=path)

    @property
    def checks(self) -> list[Call]:
        """The calls of checkrealnameinfo."""
        return [call for call in self.calls if call.path == CHECK]

    @property
    def queries(self) -> list[Call]:
        """The calls of queryverifyinfo."""
        return [call for call in self.calls if call.path == QUERY]

    def slowly(self, seconds: float, path: str = REALNAME) -> None:
        """The exchange takes its time, or the check."""

        def script(sock: Any, seen: Seen) -> bool:
            time.sleep(seconds)
            return self._honest(sock, seen)

        self.play(script, path=path)
