"""A client on a raw socket: what really came, byte by byte, and how it ended."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.test_sandbox.client import APP, CHECK, FACE, REALNAME, SECRET, STABLE, WeChatClient

ENOUGH = 200_000  # bytes
SESSION = "/sns/jscode2session"


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first byte, for the rest, and for what comes after a whole answer."""

    first: float = 5.0
    rest: float = 5.0
    after: float = 0.02


UNHURRIED = Patience()


@dataclass(frozen=True)
class Came:
    """The bytes; and "closed", "reset", "silence", or "enough" of an answer without an end."""

    data: bytes
    ending: str

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def request_for(call: str, wechat: WeChatClient, auth_token: str = "none") -> bytes:
    """The bytes of a call that is right in every way."""
    identity = {"appid": APP, "secret": SECRET}
    if call == "stable_token":
        return post(STABLE, {"grant_type": "client_credential", **identity})
    if call == "token":
        return get("/cgi-bin/token", {"grant_type": "client_credential", **identity})
    if call == "jscode2session":
        code = wechat.sandbox.issue_login_code("oCitizen", APP)
        return get(SESSION, {**identity, "js_code": code, "grant_type": "authorization_code"})
    query = {"access_token": wechat.access_token()}
    if call == "get_category":
        return get("/wxa/get_category", query)
    if call == "checkrealnameinfo":
        return post(f"{CHECK}?{urlencode(query)}", wechat.typed())
    if call == "getverifyid":
        return post(f"{FACE}{call}?{urlencode(query)}", wechat.begin_body())
    if call == "queryverifyinfo":
        verify_id = wechat.begin()["verify_id"]
        wechat.sandbox.show_face(verify_id)
        return post(f"{FACE}{call}?{urlencode(query)}", wechat.query_body(verify_id))
    return post(f"{REALNAME}?{urlencode(query)}", wechat.body(auth_token))


def get(path: str, query: dict[str, str]) -> bytes:
    return f"GET {path}?{urlencode(query)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(target: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    return f"POST {target} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def exchange(url: str, request: bytes, patience: Patience = UNHURRIED) -> Came:
    """Send it, and read until nothing more comes."""
    with connect(url) as connection:
        connection.sendall(request)
        return read(connection, patience)


def read(connection: socket.socket, patience: Patience = UNHURRIED) -> Came:
    """Read until it ends, or patience does."""
    data, end = b"", time.monotonic() + patience.first
    while len(data) < ENOUGH:
        connection.settimeout(max(0.001, end - time.monotonic()))
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            return Came(data, "silence")
        except ConnectionResetError:
            return Came(data, "reset")
        if not chunk:
            return Came(data, "closed")
        end = end if data else time.monotonic() + patience.rest
        data += chunk
        if is_whole(data):
            end = time.monotonic() + patience.after
    return Came(data, "enough")


def is_whole(data: bytes) -> bool:
    """Whether it looks like a whole answer; what comes after it, comes at once."""
    head, _, body = data.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    lengths = [line[16:] for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    if not lengths:
        return body.endswith(b"\r\n0\r\n\r\n")
    return lengths[0].isdigit() and len(body) >= int(lengths[0])
