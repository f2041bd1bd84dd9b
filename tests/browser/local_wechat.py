"""The local WeChat with somebody in between, for what the sandbox alone doesn't do."""

from __future__ import annotations

import time

import requests

from tests.lying_wechat import PATIENCE, REALNAME, TOKEN, Call, Line, LyingWeChat, Script
from wx_realname.sandbox import Sandbox

CONTROL = tuple(
    f"/sandbox/{call}"
    for call in (
        *("", "auth_tokens", "check_codes", "login_codes", "expire_access_tokens"),
        *("ledger", "faults", "faces"),
    )
)
BEGIN, QUERY = (f"/cityservice/face/identify/{call}" for call in ("getverifyid", "queryverifyinfo"))
CHECK = "/intp/realname/checkrealnameinfo"


def passes_on(address: str) -> Script:
    """What the sandbox answers."""

    def script(line: Line) -> None:
        answer = requests.request(
            line.command, address + line.path, json=line.call.body, timeout=PATIENCE
        )
        line.say(answer.content, answer.status_code)

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

        def script(line: Line) -> None:
            time.sleep(seconds)
            self._honest(line)

        self.play(script, path=path)
