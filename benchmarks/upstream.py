"""WeChat's side as a process of its own: TLS, keep-alive, a latency that can be set, real ciphertexts.

Its CPU time isn't counted. The two RSA ciphertexts are made anew for each answer, as WeChat makes them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from wx_realname.sandbox.tls import prepare

HOST = "127.0.0.1"
NAME, NUMBER = "欧阳娜", "440524198001010013"
CERTIFICATE = "apiclient_cert.pem"
ACCESS_TOKEN = "70_" + "benchmark-access-token-" * 6  # as long as real ones


class Upstream:
    """The process, for `with`; `latency` in seconds, for the requests that come from now on."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.upstream", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.url = f"https://{HOST}:{int(self._process.stdout.readline())}"

    def latency(self, seconds: float) -> None:
        assert self._process.stdin and self._process.stdout
        print(seconds, file=self._process.stdin, flush=True)
        self._process.stdout.readline()

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()


# --- the process ------------------------------------------------------------------------------

_latency = 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, answers: dict[bytes, Callable[[], bytes]]) -> None:
        self._answers = answers
        self._come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        head, end, body = self._come.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._come = b""
        path = head.split(b" ", 2)[1].partition(b"?")[0].rpartition(b"/")[2]
        loop = asyncio.get_running_loop()
        loop.call_later(_latency, self._transport.write, self._answers[path]())


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _http(document: dict[str, object]) -> bytes:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    head = (
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nDate: Mon, 01 Jun 2026 08:00:00 GMT\r\n"
        f"Content-Type: application/json; encoding=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load_public_key(certificate_pem: bytes) -> rsa.RSAPublicKey:
    public_key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    return public_key


def encrypt(public_key: rsa.RSAPublicKey) -> tuple[str, str]:
    """Name and number as WeChat sends them: RSA PKCS#1 v1.5, in base64."""
    name, number = (
        base64.b64encode(public_key.encrypt(text.encode("gbk"), padding.PKCS1v15())).decode()
        for text in (NAME, NUMBER)
    )
    return name, number


def _answers(folder: Path) -> dict[bytes, Callable[[], bytes]]:
    public_key = load_public_key((folder / CERTIFICATE).read_bytes())

    def identity() -> bytes:
        name, number = encrypt(public_key)
        fields = {"encryted_real_name": name, "encryted_credential_id": number}
        return _http({"errcode": 0, "errmsg": "ok", **fields})

    token = _http({"access_token": ACCESS_TOKEN, "expires_in": 7200})
    return {b"stable_token": lambda: token, b"getrealnameinfo": identity}


def _obey() -> None:
    global _latency
    for line in sys.stdin:
        _latency = float(line)
        print("set", flush=True)


async def _serve(folder: Path) -> None:
    tls, answers = prepare(folder, HOST), _answers(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(answers), HOST, ssl=tls.context, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=_obey, daemon=True).start()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
