"""A WeChat whose every answer a test scripts, over a real socket; it records every call.

Unscripted it is honest: it issues access tokens, and answers with a name and a number that are
encrypted for the tests' certificate.

`test_sandbox/test_our_client` plays all that the sandbox can play. This server stays for what the sandbox
mustn't do: it takes any auth_token, so that a test needn't issue one; it keeps the calls with their
secrets; it answers call by call (-1, then 94005); it runs the test's code while WeChat is asked
(`doing`, `after`). `FAULTS` has a fault for each code of an exchange, with what the interface promises
for it, and those without a twin in the sandbox.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import connections

from tests import settings as test_settings

NAME, NUMBER = "欧阳娜", "440524198001010013"
TOKEN, REALNAME = "/cgi-bin/stable_token", "/cgi-bin/wxopen/getrealnameinfo"
CHECK = "/intp/realname/checkrealnameinfo"
BEGIN, QUERY = (f"/cityservice/face/identify/{name}" for name in ("getverifyid", "queryverifyinfo"))
PATIENCE = 20.0  # seconds

Script = Callable[["Line"], None]


@dataclass(frozen=True)
class Call:
    path: str
    query: dict[str, list[str]] = field(repr=False)
    body: dict[str, Any] = field(repr=False)


class Line(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else each answer waits 40 ms for an ACK
    server: _Server

    def do_POST(self) -> None:
        target = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.call = Call(target.path, parse_qs(target.query), body)
        try:
            self.server.wechat.script_for(self.call)(self)
        except OSError:
            self.close_connection = True  # who asked has hung up

    do_GET = do_POST

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response_only(status)
        date = self.date_time_string()
        for name, value in ({"Content-Length": str(len(body)), "Date": date} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    wechat: LyingWeChat

    def handle_error(self, *args: Any) -> None:
        """Silent: a client that hung up is part of the play."""


class LyingWeChat:
    """`play` scripts for the exchange or the token call: each once, the last for ever."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), Line)
        self._server.wechat = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.forget()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def forget(self) -> None:
        """Honest again, and no call remembered."""
        self.calls: list[Call] = []
        self._scripts: dict[str, list[Script]] = {
            REALNAME: [identity()],
            TOKEN: [a_token],
            CHECK: [refuses(80111)],
            QUERY: [refuses(84001)],
        }

    def play(self, *scripts: Script, path: str = REALNAME) -> None:
        self._scripts[path] = list(scripts)

    def script_for(self, call: Call) -> Script:
        self.calls.append(call)
        scripts = self._scripts.get(call.path) or [says(b"", 404)]
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    @property
    def exchanges(self) -> list[Call]:
        """The calls of getrealnameinfo."""
        return [call for call in self.calls if call.path == REALNAME]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


# --- scripts ----------------------------------------------------------------------------------


def says(body: bytes | Any, status: int = 200, **headers: str) -> Script:
    """These bytes, or this as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda line: line.say(data, status, **headers)


def refuses(errcode: Any, errmsg: str = "no hint: [YIJ9Ia03331961]") -> Script:
    return says({"errcode": errcode, "errmsg": errmsg})


def identity(name: str = NAME, number: str = NUMBER, **changes: Any) -> Script:
    """A name and a number, encrypted anew each time; a change of None leaves the field out."""

    def answer(line: Line) -> None:
        fields = {
            "errcode": 0,
            "errmsg": "ok",
            "encryted_real_name": encrypted(name.encode("gb18030")),
            "encryted_credential_id": encrypted(number.encode()),
        } | changes
        says({name: value for name, value in fields.items() if value is not None})(line)

    return answer


def encrypted(data: bytes) -> str:
    """For the tests' certificate, as WeChat does it: RSA, PKCS#1 v1.5, base64."""
    pem = test_settings.merchant_key.certificate_pem
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(data, padding.PKCS1v15())).decode()


def a_token(line: Line) -> None:
    """A new access_token at each call."""
    token = f"access-token-{time.time_ns()}"
    line.say(json.dumps({"access_token": token, "expires_in": 7200}).encode())


def echoes(errcode: int, *others: str) -> Script:
    """Refuses, and repeats in its errmsg every secret that the call carried."""

    def script(line: Line) -> None:
        secrets = [*line.call.query.get("access_token", []), *others]
        secrets += [str(line.call.body.get(name, "")) for name in ("auth_token", "secret")]
        refuses(errcode, f"invalid: {' '.join(secrets)} rid: 6a-1")(line)

    return script


def hangs_up(line: Line) -> None:
    line.close_connection = True


def stalls(line: Line) -> None:
    time.sleep(0.6)
    line.close_connection = True


def after(event: threading.Event, script: Script, reached: threading.Event) -> Script:
    """The script, once the event is set; tells through `reached` that the call has come."""

    def wait(line: Line) -> None:
        reached.set()
        event.wait(PATIENCE)
        script(line)

    return wait


def doing(work: Callable[[], object], script: Script) -> Script:
    """Something happens elsewhere while WeChat is asked; then the script.

    In a thread of WeChat's, which leaves no connection to the database behind.
    """

    def act(line: Line) -> None:
        try:
            work()
        finally:
            connections.close_all()
        script(line)

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
        """HTTP status, retry, and the record's status."""
        return PROMISES[self.code]

    @property
    def timeouts(self) -> dict[str, float]:
        return {"READ_TIMEOUT": 0.2} if self.scripts == (stalls,) else {}


PROMISES = {
    "no_wechat_pay": (422, "no", "rejected"),
    "no_real_name": (422, "no", "rejected"),
    "invalid_auth_token": (422, "reauthorize", "rejected"),
    "misconfigured": (503, "no", "failed"),
    "wechat_busy": (503, "later", "failed"),
    "quota_exhausted": (503, "later", "failed"),
    "wechat_unreachable": (503, "later", "failed"),
    "outcome_unknown": (504, "reauthorize", "unknown"),
    "unreadable_answer": (502, "reauthorize", "unknown"),
    "wechat_error": (502, "no", "failed"),
}


def _refusals(code: str, *errcodes: int, path: str = REALNAME, asked: int = 1) -> Iterable[Fault]:
    asked = asked if path == REALNAME else 0
    kind = "errcode" if path == REALNAME else "token-errcode"
    for errcode in errcodes:
        yield Fault(f"{kind}-{errcode}", code, (refuses(errcode),), path, errcode, asked)


def _answers(code: str, path: str = REALNAME, **scripts: Script) -> Iterable[Fault]:
    for name, script in scripts.items():
        yield Fault(f"{code}-{name}", code, (script,), path, asked=int(path == REALNAME))


_LOST: dict[str, Script] = {
    "timeout": stalls,
    "too_long": says(b" " * 70_000 + b"{}"),
    "words_only": says({"errmsg": "ok"}),
    "text_errcode": refuses("94002"),
}

FAULTS: tuple[Fault, ...] = (
    *_refusals("no_wechat_pay", 94002),
    *_refusals("no_real_name", 94004),
    *_refusals("invalid_auth_token", 94005),
    *_refusals("misconfigured", 40001, asked=2),
    *_refusals("wechat_busy", -1, asked=3),
    *_refusals("quota_exhausted", 45009),
    *_refusals("wechat_error", -2, 2**31 - 1, -(2**31)),
    *_refusals("wechat_busy", -1, path=TOKEN),
    *_answers("wechat_unreachable", TOKEN, **_LOST),
    *_answers("outcome_unknown", REALNAME, **_LOST),
    *_answers(
        "unreadable_answer",
        no_errcode_no_name=identity(errcode=None, encryted_real_name=None),
        name_of_blanks=identity(name="   "),
    ),
    Fault("busy-then-reset", "outcome_unknown", (refuses(-1), hangs_up), asked=2),
    Fault("busy-then-94005", "outcome_unknown", (refuses(-1), refuses(94005)), REALNAME, 94005, 2),
    Fault("busy-then-94003", "misconfigured", (refuses(-1), refuses(94003)), REALNAME, 94003, 2),
    Fault("echo-api", "misconfigured", (echoes(94003, NUMBER),), REALNAME, 94003),
    Fault("echo-token", "misconfigured", (echoes(40164),), TOKEN, 40164, 0),
)
#: One of them for each code and call, where `test_exchange` has played all.
ONE_OF_EACH = tuple({(fault.code, fault.path): fault for fault in FAULTS}.values())
