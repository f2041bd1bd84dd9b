"""Servers that misbehave, over plain HTTP and TLS, and a transport to them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests import stand_ins
from tests.stand_ins import StandIn, says
from wx_realname.personal_data import Secret
from wx_realname.sandbox.tls import Tls, prepare
from wx_realname.wechat.reading import MAX_ANSWER_BYTES, Deadline
from wx_realname.wechat.transport import NoAnswer, Transport

QUERY_SECRETS = {"access_token": "70_a-token/+of=tests", "secret": "5ec3e7", "js_code": "c0de-1"}
BODY_SECRETS = {"auth_token": "auth-token-of-a-citizen", "app_secret": "5ec3e7-too"}
SECRETS = (*QUERY_SECRETS.values(), *BODY_SECRETS.values(), "70_a-token%2F%2Bof%3Dtests")
QUERY = {name: Secret(text) for name, text in QUERY_SECRETS.items()}
PAYLOAD = {name: Secret(text) for name, text in BODY_SECRETS.items()}
ECHO = json.dumps({**QUERY_SECRETS, **BODY_SECRETS}).encode()  # WeChat may quote what it was sent
PATH = "/cgi-bin/wxopen/getrealnameinfo"
OK = says({"errcode": 0})
UNENDING = stand_ins.unending_faults(ECHO)
FAULTS = stand_ins.faults(ECHO, MAX_ANSWER_BYTES) | UNENDING
Serve = Callable[..., StandIn]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith(("_proxy", "_ca_bundle"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return prepare(tmp_path_factory.mktemp("authority"), "localhost")


@pytest.fixture
def serve(authority: Tls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts servers, over TLS with an authority that REQUESTS_CA_BUNDLE names."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    with ExitStack() as stack:
        yield lambda tls=False: stack.enter_context(StandIn(tls=authority.context if tls else None))


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def server(request: pytest.FixtureRequest, serve: Serve) -> StandIn:
    return serve(tls=request.param)


def to(url: str, *, connect: float = 2.0, read: float = 5.0) -> Transport:
    return Transport(url, connect_timeout=connect, read_timeout=read)


def call(
    transport: Transport, seconds: float = 3.0, method: str = "POST", *, fresh: bool = False
) -> Any:
    payload = PAYLOAD if method == "POST" else None
    deadline = Deadline(seconds)
    return transport.call(method, PATH, deadline, query=QUERY, payload=payload, fresh=fresh)


def fault(transport: Transport, seconds: float = 3.0) -> NoAnswer:
    with pytest.raises(NoAnswer) as caught:
        call(transport, seconds)
    return caught.value


def patience(name: str) -> float:
    """Seconds to wait for the fault of that name."""
    return 0.3 if name in UNENDING else 3
