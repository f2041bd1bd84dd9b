"""A stand-in whose every answer a test scripts; it records every call.

Unscripted it is an honest WeChat: it issues access tokens, and answers with a name and a number that are
encrypted for the tests' certificate.

`test_sandbox/test_our_client` plays all that the sandbox can play. This server stays for what the sandbox
mustn't do: it takes any auth_token, so that a test needn't issue one; it keeps the calls with their
secrets; it answers call by call (-1, then 94005); it runs the test's code while WeChat is asked
(`doing`, `after`). `FAULTS` has a fault for each code of an exchange, and those without a twin in the
sandbox.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import connections

from tests import settings as test_settings
from tests.stand_ins import Behaviour as Script
from tests.stand_ins import Seen, StandIn, says, sends
from wx_realname.exceptions import BY_CODE

NAME, NUMBER = "欧阳娜", "440524198001010013"
TOKEN, REALNAME = "/cgi-bin/stable_token", "/cgi-bin/wxopen/getrealnameinfo"
CHECK = "/intp/realname/checkrealnameinfo"
BEGIN, QUERY = (f"/cityservice/face/identify/{name}" for name in ("getverifyid", "queryverifyinfo"))
PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Call:
    path: str
    query: dict[str, list[str]] = field(repr=False)
    body: dict[str, Any] = field(repr=False)


class LyingWeChat(StandIn):
    """`play` scripts for the exchange, or the call of that path: each once, the last for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()
        self.__enter__()

    def close(self) -> None:
        self.__exit__()

    def forget(self) -> None:
        """Honest again, and no call remembered."""
        self.requests = []
        self._scripts: dict[str, list[Script]] = {
            REALNAME: [identity()],
            TOKEN: [a_token],
            CHECK: [refuses(80111)],
            QUERY: [refuses(84001)],
        }

    def play(self, *scripts: Script, path: str = REALNAME) -> None:
        self._scripts[path] = list(scripts)

    def _next(self, path: str) -> Script:
        scripts = self._scripts.get(path) or [says(b"", 404)]
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    @property
    def calls(self) -> list[Call]:
        return [
            Call(seen.path, parse_qs(urlsplit(seen.target).query), seen.json if seen.body else {})
            for seen in self.requests
        ]

    @property
    def exchanges(self) -> list[Call]:
        """The calls of getrealnameinfo."""
        return [call for call in self.calls if call.path == REALNAME]


# --- scripts ----------------------------------------------------------------------------------


hangs_up = sends(close=True)


def stalls(sock: Any, seen: Seen) -> bool:
    time.sleep(0.6)
    return False


def refuses(errcode: Any, errmsg: str = "no hint: [YIJ9Ia03331961]") -> Script:
    return says({"errcode": errcode, "errmsg": errmsg})


def echoes(errcode: int) -> Script:
    """Refuses, and repeats in its errmsg all that the call carried, and a number."""

    def script(sock: Any, seen: Seen) -> bool:
        sent = [NUMBER, *seen.query.values(), *(seen.json.values() if seen.body else [])]
        return refuses(errcode, f"invalid: {sent} rid: 6a-1")(sock, seen)

    return script


def identity(name: str = NAME, number: str = NUMBER, **changes: Any) -> Script:
    """A name and a number, encrypted anew each time; a change of None leaves the field out."""

    def script(sock: Any, seen: Seen) -> bool:
        fields = {
            "errcode": 0,
            "errmsg": "ok",
            "encryted_real_name": encrypted(name.encode("gb18030")),
            "encryted_credential_id": encrypted(number.encode()),
        } | changes
        return says({name: text for name, text in fields.items() if text is not None})(sock, seen)

    return script


def encrypted(data: bytes) -> str:
    """For the tests' certificate, as WeChat does it: RSA, PKCS#1 v1.5, base64."""
    pem = test_settings.merchant_key.certificate_pem
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(data, padding.PKCS1v15())).decode()


def a_token(sock: Any, seen: Seen) -> bool:
    """A new access_token at each call."""
    token = {"access_token": f"access-token-{time.time_ns()}", "expires_in": 7200}
    return says(token)(sock, seen)


def after(event: threading.Event, script: Script, reached: threading.Event) -> Script:
    """The script, once the event is set; tells through `reached` that the call has come."""

    def wait(sock: Any, seen: Seen) -> bool:
        reached.set()
        event.wait(PATIENCE)
        return script(sock, seen)

    return wait


def doing(work: Callable[[], object], script: Script) -> Script:
    """Something happens elsewhere while WeChat is asked; then the script.

    In a thread of WeChat's, which leaves no connection to the database behind.
    """

    def act(sock: Any, seen: Seen) -> bool:
        try:
            work()
        finally:
            connections.close_all()
        return script(sock, seen)

    return act


# --- every fault, and what is promised for it -------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """`scripts` are of the call `path`; `asked`: how often getrealnameinfo is called."""

    name: str
    code: str
    scripts: tuple[Script, ...]
    path: str = REALNAME
    errcode: int | None = None
    asked: int = 1

    @property
    def promise(self) -> tuple[int, str, str]:
        """HTTP status, retry, and the record's status: as test_exceptions' table has them."""
        error = BY_CODE[self.code]
        return error.status_code, error.retry, str(error.outcome)

    @property
    def timeouts(self) -> dict[str, float]:
        return {"READ_TIMEOUT": 0.2} if self.scripts == (stalls,) else {}


def _refusal(code: str, errcode: int, path: str = REALNAME, asked: int = 1) -> Fault:
    name = f"{path.rpartition('/')[2]}-{errcode}"
    return Fault(name, code, (refuses(errcode),), path, errcode, asked)


FAULTS: tuple[Fault, ...] = (
    _refusal("no_wechat_pay", 94002),
    _refusal("no_real_name", 94004),
    _refusal("invalid_auth_token", 94005),
    _refusal("misconfigured", 40001, asked=2),
    _refusal("wechat_busy", -1, asked=3),
    _refusal("quota_exhausted", 45009),
    _refusal("wechat_error", 2**31 - 1),
    _refusal("wechat_error", -(2**31)),
    _refusal("wechat_busy", -1, TOKEN, asked=0),
    Fault("token-lost", "wechat_unreachable", (stalls,), TOKEN, asked=0),
    Fault("lost", "outcome_unknown", (stalls,)),
    Fault("name-of-blanks", "unreadable_answer", (identity(name="   "),)),
    Fault("busy-then-reset", "outcome_unknown", (refuses(-1), hangs_up), asked=2),
    Fault("busy-then-94005", "outcome_unknown", (refuses(-1), refuses(94005)), REALNAME, 94005, 2),
    Fault("busy-then-94003", "misconfigured", (refuses(-1), refuses(94003)), REALNAME, 94003, 2),
    Fault("echo-api", "misconfigured", (echoes(94003),), REALNAME, 94003),
    Fault("echo-token", "misconfigured", (echoes(40164),), TOKEN, 40164, 0),
)
#: One of them for each code and call, where `test_exchange` has played all.
ONE_OF_EACH = tuple({(fault.code, fault.path): fault for fault in FAULTS}.values())
