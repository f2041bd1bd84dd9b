"""After any unkind answer the next citizen gets an answer of his own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.stand_ins import Behaviour, StandIn, faults, http, says, sends, unending_faults
from tests.test_transport.conftest import PATH, Serve, to
from wx_realname.wechat.reading import MAX_ANSWER_BYTES, Deadline
from wx_realname.wechat.transport import NoAnswer, Transport

OTHERS = json.dumps({"of": "another"}).encode()
TWICE = http(OTHERS) + http(OTHERS)
UNKIND: dict[str, Behaviour] = {
    **faults(OTHERS, MAX_ANSWER_BYTES),
    **unending_faults(OTHERS),
    "twice at once": sends(TWICE),
    "twice, cut": sends(TWICE[:-9]),
    "twice in one TLS record": sends(http(OTHERS) + b"x" * 8192 + http(OTHERS)),
    "a line too many": sends(http(OTHERS) + b"\r\n"),
    "too short a length": sends(http(OTHERS * 2, length=len(OTHERS))),
    **{
        f"again after {ms} ms": sends(http(OTHERS), http(OTHERS), pause=ms / 1000)
        for ms in (2, 3, 5, 10, 15, 20, 30, 50)
    },
}


def ask(transport: Transport, whose: str, seconds: float = 3) -> Any:
    try:
        return transport.call("POST", PATH, Deadline(seconds), payload={"of": whose}).get("of")
    except NoAnswer:
        return None


@pytest.mark.parametrize("pause", [0, 0.003, 0.03])  # seconds between the two citizens
def test_no_citizen_gets_what_was_meant_for_another(server: StandIn, pause: float) -> None:
    transport = to(server.url)
    wrong = []
    for name, unkind in UNKIND.items():
        server.play(unkind, says({"of": "me"}))
        ask(transport, "another", 0.15 if name in unending_faults(OTHERS) else 3)
        time.sleep(pause)
        if ask(transport, "me") != "me":
            wrong.append(name)
    assert len(UNKIND) >= 55
    assert wrong == []


def test_each_citizen_has_a_connection_of_his_own_with_the_tls_session_resumed(
    serve: Serve,
) -> None:
    server = serve(tls=True)
    server.always(says({"of": "me"}))
    transport = to(server.url)
    assert [ask(transport, "me") for _ in range(5)] == ["me"] * 5
    assert server.connections == len(set(server.ports)) == 5
    assert {seen.headers["connection"] for seen in server.requests} == {"close"}
    assert server.resumed == [False, True, True, True, True]
