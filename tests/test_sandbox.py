"""The local WeChat's promises, over a real socket: section numbers are the interface document's."""

from __future__ import annotations

import ast
import base64
import hashlib
import http.client
import json
import logging
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import wx_realname.sandbox
from wx_realname.sandbox import (
    CannotListen,
    Citizen,
    Merchant,
    MerchantKey,
    Sandbox,
    control_api,
    make_merchant_key,
)

APP, OTHER_APP, SHUT_APP = "wx0123456789abcdef", "wxfedcba9876543210", "wx5555555555555555"
SECRET = "0123456789abcdef0123456789abcdef"
MCH, SECOND_MCH, OTHER_MCH, SHUT_MCH = "1900006511", "1900006512", "1900006513", "1900006514"
NAME, NUMBER = "欧阳娜", "440524188001010014"
NA = Citizen(NAME, NUMBER)
REALNAME = "/cgi-bin/wxopen/getrealnameinfo"
STABLE = "/cgi-bin/stable_token"
Json = dict[str, Any]


class Clock:
    """Unix seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = float(int(time.time()))

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class WeChatClient:
    """Asks the sandbox as the document says; what is to be wrong is handed in."""

    def __init__(self, sandbox: Sandbox, clock: Clock, key: MerchantKey) -> None:
        self.sandbox, self.clock, self.key = sandbox, clock, key
        self.session = requests.Session()
        self.session.trust_env = False

    def send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.session.request(method, self.sandbox.url + path, timeout=10, **kwargs)

    def control(self, path: str, body: object = None, method: str = "POST") -> requests.Response:
        return self.send(method, f"/sandbox/{path}", json=body)

    def stable_token(self, **changes: Any) -> Json:
        body = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, **changes}
        return parsed(self.send("POST", STABLE, json=without_none(body)))

    def old_token(self, **changes: Any) -> Json:
        query = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, **changes}
        return parsed(self.send("GET", "/cgi-bin/token", params=query))

    def access_token(self, app_id: str = APP) -> str:
        return str(self.stable_token(appid=app_id)["access_token"])

    def categories(self, access_token: str | None) -> Json:
        query = {"access_token": access_token}
        return parsed(self.send("GET", "/wxa/get_category", params=query))

    def session_of(self, code: str | None, **changes: Any) -> Json:
        query = {"appid": APP, "secret": SECRET, "js_code": code}
        query |= {"grant_type": "authorization_code", **changes}
        return parsed(self.send("GET", "/sns/jscode2session", params=query))

    def body(self, auth_token: object, key: MerchantKey | None = None, **changes: Any) -> Json:
        key = key or self.key
        timestamp = int(self.clock())
        body = {"auth_token": auth_token, "mch_id": MCH, "cert_serialno": key.serial}
        body |= {"timestamp": timestamp, "sign": sign(key, key.serial, timestamp), **changes}
        return without_none(body)

    def ask(self, auth_token: object, key: MerchantKey | None = None, **changes: Any) -> Json:
        query = {"access_token": changes.pop("access_token", None) or self.access_token()}
        body = self.body(auth_token, key, **changes)
        return parsed(self.send("POST", REALNAME, params=query, json=body))


def without_none(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}


def parsed(response: requests.Response) -> Json:
    assert response.status_code == 200
    document = response.json()
    assert isinstance(document, dict)
    return document


def private_key(key: MerchantKey) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(key.private_key_pem, None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def sign(key: MerchantKey, serial: str, timestamp: object) -> str:
    text = f"cert_serialno={serial}&timestamp={timestamp}".encode()
    signature = private_key(key).sign(text, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def decrypted(key: MerchantKey, answer: Json) -> tuple[str, str]:
    assert answer["errcode"] == 0, answer
    name, number = (
        private_key(key).decrypt(base64.b64decode(answer[field]), padding.PKCS1v15())
        for field in ("encryted_real_name", "encryted_credential_id")
    )
    return name.decode("gb18030"), number.decode("ascii")


@pytest.fixture(scope="module")
def key() -> MerchantKey:
    return make_merchant_key()


@pytest.fixture(scope="module")
def renewed_key() -> MerchantKey:
    return make_merchant_key(serial="00AB" + "3" * 36)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def merchants(key: MerchantKey, renewed_key: MerchantKey) -> list[Merchant]:
    both = (key.certificate_pem, renewed_key.certificate_pem)
    return [
        Merchant(APP, SECRET, MCH, both),
        Merchant(APP, SECRET, SECOND_MCH, (key.certificate_pem,)),
        Merchant(OTHER_APP, SECRET, OTHER_MCH, (key.certificate_pem,)),
        Merchant(SHUT_APP, SECRET, SHUT_MCH, (key.certificate_pem,), authorised=False),
    ]


@pytest.fixture
def sandbox(merchants: list[Merchant], clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(merchants, clock=clock) as running:
        yield running


@pytest.fixture
def wechat(sandbox: Sandbox, clock: Clock, key: MerchantKey) -> Iterator[WeChatClient]:
    client = WeChatClient(sandbox, clock, key)
    with client.session:
        yield client


@pytest.fixture
def auth_token(sandbox: Sandbox) -> str:
    return sandbox.issue_auth_token(NA, APP)


# --- The exchange (sections 4.3 and 4.4) ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "in_gb18030"),
    [
        (NAME, "c5b7d1f4c4c8"),
        ("阿卜杜拉·买买提", "b0a2b2b7b6c5c0ada1a4c2f2c2f2cce1"),
        ("龚䶮", "b9a8fe9f"),
        ("𠮷田", "9534b235ccef"),
        ("𬭼", "9933ad38"),
    ],
)
def test_name_and_number_come_encrypted_to_the_merchant(
    wechat: WeChatClient, key: MerchantKey, name: str, in_gb18030: str
) -> None:
    answer = wechat.ask(wechat.sandbox.issue_auth_token(Citizen(name, NUMBER), APP))
    assert set(answer) == {"errcode", "errmsg", "encryted_real_name", "encryted_credential_id"}
    assert answer["errmsg"] == "ok"
    assert decrypted(key, answer) == (name, NUMBER)
    encrypted = base64.b64decode(answer["encryted_real_name"])
    assert private_key(key).decrypt(encrypted, padding.PKCS1v15()).hex() == in_gb18030


def test_an_auth_token_is_good_once(wechat: WeChatClient, auth_token: str) -> None:
    assert wechat.ask(auth_token)["errcode"] == 0
    assert wechat.ask(auth_token)["errcode"] == 94005


def test_of_fifty_at_once_exactly_one_gets_the_name(wechat: WeChatClient, auth_token: str) -> None:
    url = f"{wechat.sandbox.url}{REALNAME}?access_token={wechat.access_token()}"
    body = wechat.body(auth_token)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: requests.post(url, json=body, timeout=30), range(50)))
    errcodes = sorted(answer.json()["errcode"] for answer in answers)
    assert errcodes == [0] + [94005] * 49
    assert sum(entry.consumed for entry in wechat.sandbox.ledger) == 1


def test_a_renewed_certificate_is_encrypted_to_by_its_serial(
    wechat: WeChatClient, auth_token: str, renewed_key: MerchantKey
) -> None:
    answer = wechat.ask(auth_token, renewed_key)
    assert decrypted(renewed_key, answer) == (NAME, NUMBER)


def test_one_appid_may_be_bound_to_several_merchant_numbers(
    wechat: WeChatClient, auth_token: str
) -> None:
    assert wechat.ask(auth_token, mch_id=SECOND_MCH)["errcode"] == 0


@pytest.mark.parametrize(
    ("errcode", "changes"),
    [
        (94001, {"cert_serialno": None}),
        (94001, {"cert_serialno": ""}),
        (94009, {"cert_serialno": "A" * 39}),
        (94009, {"cert_serialno": "A" * 41}),
        (94009, {"cert_serialno": "a" * 40}),
        (94009, {"cert_serialno": "G" * 40}),
        (94009, {"cert_serialno": "A" * 40 + "\n"}),
        (94009, {"cert_serialno": 7}),
        (94009, {"cert_serialno": "A" * 40}),
        (94010, {"mch_id": "1999999999"}),
        (94010, {"mch_id": None}),
        (94010, {"mch_id": 1900006511}),
        (94003, {"sign": None}),
        (94003, {"sign": 7}),
        (94003, {"sign": "非base64"}),
        (94003, {"sign": base64.b64encode(b"x" * 256).decode()}),
        (94003, {"sign": ""}),
        (94007, {"mch_id": OTHER_MCH}),
        (94005, {"auth_token": "never-issued"}),
        (94005, {"auth_token": None}),
        (94005, {"auth_token": ["a"]}),
        (94005, {"auth_token": "\ud800"}),
    ],
)
def test_a_wrong_field_gets_its_own_code_and_consumes_nothing(
    wechat: WeChatClient, auth_token: str, errcode: int, changes: Json
) -> None:
    answer = wechat.ask(**{"auth_token": auth_token, **changes})
    assert answer["errcode"] == errcode
    assert set(answer) == {"errcode", "errmsg"}
    assert re.search(r" hint: \[[A-Za-z0-9]{6}\d{8}\]$", answer["errmsg"])
    assert wechat.ask(auth_token)["errcode"] == 0


@pytest.mark.parametrize("kind", [str, float, bool, lambda _: None, lambda _: 10**400])
def test_a_timestamp_that_is_no_integer_is_94008(
    wechat: WeChatClient, auth_token: str, kind: Any
) -> None:
    timestamp = kind(int(wechat.clock()))
    signed = sign(wechat.key, wechat.key.serial, timestamp)
    assert wechat.ask(auth_token, timestamp=timestamp, sign=signed)["errcode"] == 94008


@pytest.mark.parametrize(("off", "errcode"), [(301, 94008), (-301, 94008), (300, 0), (-300, 0)])
def test_the_clock_may_be_five_minutes_off(
    wechat: WeChatClient, auth_token: str, off: int, errcode: int
) -> None:
    timestamp = int(wechat.clock()) + off
    signed = sign(wechat.key, wechat.key.serial, timestamp)
    assert wechat.ask(auth_token, timestamp=timestamp, sign=signed)["errcode"] == errcode


def test_a_signature_by_another_key_or_over_another_time_is_94003(
    wechat: WeChatClient, auth_token: str, renewed_key: MerchantKey
) -> None:
    now, serial = int(wechat.clock()), wechat.key.serial
    for wrong in (sign(renewed_key, serial, now), sign(wechat.key, serial, now - 1)):
        assert wechat.ask(auth_token, sign=wrong)["errcode"] == 94003
    folded = sign(wechat.key, serial, now)
    assert wechat.ask(auth_token, sign=folded[:76] + "\n" + folded[76:])["errcode"] == 94003


def test_an_appid_without_the_right_is_94006(wechat: WeChatClient) -> None:
    auth_token = wechat.sandbox.issue_auth_token(NA, SHUT_APP)
    token = wechat.access_token(SHUT_APP)
    assert wechat.ask(auth_token, access_token=token, mch_id=SHUT_MCH)["errcode"] == 94006


def test_an_auth_token_of_another_appid_is_94005_and_stays_good(wechat: WeChatClient) -> None:
    auth_token = wechat.sandbox.issue_auth_token(NA, OTHER_APP)
    assert wechat.ask(auth_token)["errcode"] == 94005
    token = wechat.access_token(OTHER_APP)
    assert wechat.ask(auth_token, access_token=token, mch_id=OTHER_MCH)["errcode"] == 0


@pytest.mark.parametrize(
    ("errcode", "citizen"),
    [
        (94002, Citizen(NAME, NUMBER, wechat_pay=False)),
        (94004, Citizen(NAME, NUMBER, real_name_info=False)),
    ],
)
def test_a_citizen_who_cannot_gets_the_same_answer_again(
    wechat: WeChatClient, errcode: int, citizen: Citizen
) -> None:
    auth_token = wechat.sandbox.issue_auth_token(citizen, APP)
    assert [wechat.ask(auth_token)["errcode"] for _ in range(3)] == [errcode] * 3
    assert not any(entry.consumed for entry in wechat.sandbox.ledger)


def test_a_busy_system_consumes_nothing(wechat: WeChatClient) -> None:
    auth_token = wechat.sandbox.issue_auth_token(Citizen(NAME, NUMBER, busy=2), APP)
    assert [wechat.ask(auth_token)["errcode"] for _ in range(4)] == [-1, -1, 0, 94005]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe\xfd", b"[" * 100_000, b"9" * 5000]
)
def test_a_body_that_is_no_json_object_is_47001(wechat: WeChatClient, body: bytes) -> None:
    token = wechat.access_token()
    answer = parsed(wechat.send("POST", REALNAME, params={"access_token": token}, data=body))
    assert answer["errcode"] == 47001
    assert parsed(wechat.send("POST", STABLE, data=body))["errcode"] == 47001


def test_the_content_type_does_not_matter(wechat: WeChatClient, auth_token: str) -> None:
    """The document's own sample is `curl -d`, which sends a form's content type."""
    response = wechat.send(
        "POST",
        REALNAME,
        params={"access_token": wechat.access_token()},
        data=json.dumps(wechat.body(auth_token)),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response.json()["errcode"] == 0


# --- Access tokens --------------------------------------------------------------------------------


def test_stable_token_repeats_the_token_with_what_remains(wechat: WeChatClient) -> None:
    first = wechat.stable_token()
    assert set(first) == {"access_token", "expires_in"}
    assert first["expires_in"] == 7200
    assert len(first["access_token"]) >= 136
    wechat.clock.advance(100.5)
    assert wechat.stable_token(force_refresh=False) == {**first, "expires_in": 7099}


def test_stable_token_renews_five_minutes_early_and_the_old_one_lives_on(
    wechat: WeChatClient,
) -> None:
    old = wechat.access_token()
    wechat.clock.advance(6899)
    assert wechat.access_token() == old
    wechat.clock.advance(1)
    new = wechat.stable_token()
    assert new["access_token"] != old
    assert new["expires_in"] == 7200
    assert wechat.categories(old)["errcode"] == 0
    wechat.clock.advance(300)
    assert wechat.categories(old)["errcode"] == 42001
    assert wechat.categories(new["access_token"])["errcode"] == 0


def test_forcing_kills_the_old_token(wechat: WeChatClient) -> None:
    old = wechat.access_token()
    new = wechat.stable_token(force_refresh=True)["access_token"]
    assert new != old
    assert wechat.categories(old)["errcode"] == 40001
    assert wechat.categories(new)["errcode"] == 0
    assert wechat.access_token() == new


def test_forcing_is_limited_to_every_thirty_seconds_and_twenty_a_day(wechat: WeChatClient) -> None:
    beijing_day = 86400 - (wechat.clock.seconds + 8 * 3600) % 86400
    wechat.clock.advance(beijing_day)
    assert "access_token" in wechat.stable_token(force_refresh=True)
    wechat.clock.advance(29)
    assert wechat.stable_token(force_refresh=True)["errcode"] == 45011
    assert "access_token" in wechat.stable_token()
    wechat.clock.advance(1)
    for _ in range(19):
        assert "access_token" in wechat.stable_token(force_refresh=True)
        wechat.clock.advance(30)
    assert wechat.stable_token(force_refresh=True)["errcode"] == 45009
    assert "access_token" in wechat.stable_token(force_refresh=True, appid=OTHER_APP)
    wechat.clock.advance(86400)
    assert "access_token" in wechat.stable_token(force_refresh=True)


def test_the_older_token_call_gives_a_new_one_each_time_with_five_minutes_of_overlap(
    wechat: WeChatClient,
) -> None:
    stable = wechat.access_token()
    first, second = (wechat.old_token()["access_token"] for _ in range(2))
    assert len({stable, first, second}) == 3
    wechat.clock.advance(299)
    assert wechat.categories(first)["errcode"] == 0
    wechat.clock.advance(1)
    assert wechat.categories(first)["errcode"] == 40001
    assert wechat.categories(second)["errcode"] == 0
    assert wechat.categories(stable)["errcode"] == 0


def test_the_two_kinds_of_token_do_not_expire_each_other(wechat: WeChatClient) -> None:
    old = wechat.old_token()["access_token"]
    wechat.stable_token(force_refresh=True)
    wechat.clock.advance(600)
    assert wechat.categories(old)["errcode"] == 0


@pytest.mark.parametrize(
    ("errcode", "changes"),
    [
        (40002, {"grant_type": "password"}),
        (40002, {"grant_type": None}),
        (41002, {"appid": None}),
        (40013, {"appid": "wx-unknown"}),
        (41004, {"secret": None}),
        (40125, {"secret": "wrong"}),
        (40125, {"secret": "非"}),
    ],
)
def test_token_calls_refuse_with_their_own_codes(
    wechat: WeChatClient, errcode: int, changes: Json
) -> None:
    for answer in (wechat.stable_token(**changes), wechat.old_token(**changes)):
        assert answer["errcode"] == errcode
        assert re.search(r" rid: [0-9a-f]+-[0-9a-f]{8}-[0-9a-f]{8}$", answer["errmsg"])


def test_force_refresh_must_be_a_bool(wechat: WeChatClient) -> None:
    assert wechat.stable_token(force_refresh="true")["errcode"] == 47001


@pytest.mark.parametrize("call", ["categories", "ask"])
def test_access_token_missing_unknown_and_expired(wechat: WeChatClient, call: str) -> None:
    def errcode(token: str) -> int:
        if call == "categories":
            return int(wechat.categories(token)["errcode"])
        query = {"access_token": token}
        return int(wechat.send("POST", REALNAME, params=query, json={}).json()["errcode"])

    token = wechat.access_token()
    assert errcode("") == 41001
    assert errcode("unknown") == 40001
    wechat.clock.advance(7200)
    assert errcode(token) == 42001


def test_a_token_lifetime_can_be_chosen(
    merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> None:
    with Sandbox(merchants, clock=clock, token_lifetime=24) as sandbox:
        wechat = WeChatClient(sandbox, clock, key)
        first = wechat.stable_token()
        assert first["expires_in"] == 24
        clock.advance(22)
        assert wechat.access_token() == first["access_token"]
        clock.advance(1)
        assert wechat.access_token() != first["access_token"]
        clock.advance(1)
        assert wechat.categories(first["access_token"])["errcode"] == 42001
    with pytest.raises(ValueError, match="token_lifetime"):
        Sandbox(merchants, token_lifetime=0)


# --- Categories, login, and paths that aren't there -----------------------------------------------


def test_categories_hold_the_documents_own_and_one_with_a_third_class(wechat: WeChatClient) -> None:
    answer = wechat.categories(wechat.access_token())
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    pairs = [(entry["first_id"], entry["second_id"]) for entry in answer["category_list"]]
    assert (99, 904) in pairs
    assert sum("third_class" in entry for entry in answer["category_list"]) == 1
    assert all({"first_class", "second_class"} <= set(entry) for entry in answer["category_list"])


def test_a_login_code_is_good_once(wechat: WeChatClient) -> None:
    code = wechat.sandbox.issue_login_code("oCitizen", APP, "uCitizen")
    answer = wechat.session_of(code)
    assert set(answer) == {"openid", "session_key", "unionid"}
    assert (answer["openid"], answer["unionid"]) == ("oCitizen", "uCitizen")
    assert len(base64.b64decode(answer["session_key"])) == 16
    assert wechat.session_of(code)["errcode"] == 40163


def test_a_login_without_an_openid_is_somebody_new(wechat: WeChatClient) -> None:
    answers = [wechat.session_of(wechat.sandbox.issue_login_code(None, APP)) for _ in range(2)]
    assert answers[0]["openid"] != answers[1]["openid"]
    assert all(re.fullmatch(r"o[\w-]{27}", answer["openid"]) for answer in answers)
    assert "unionid" not in answers[0]


@pytest.mark.parametrize(
    ("errcode", "changes"),
    [
        (40029, {"js_code": "never-issued"}),
        (41008, {"js_code": None}),
        (41002, {"appid": None}),
        (40013, {"appid": "wx-unknown"}),
        (41004, {"secret": None}),
        (40125, {"secret": "wrong"}),
        (40002, {"grant_type": "client_credential"}),
        (40029, {"appid": OTHER_APP}),
    ],
)
def test_login_refuses_with_its_own_codes_and_uses_nothing_up(
    wechat: WeChatClient, errcode: int, changes: Json
) -> None:
    code = wechat.sandbox.issue_login_code("oCitizen", APP)
    assert wechat.session_of(code, **changes)["errcode"] == errcode
    assert wechat.session_of(code)["openid"] == "oCitizen"


def test_an_unknown_path_is_404_with_json(wechat: WeChatClient) -> None:
    for path in ("/", "/cgi-bin/", "/cgi-bin/getcallbackip", "//[", "/sandboxed"):
        response = wechat.send("GET", path)
        assert response.status_code == 404
        assert response.json()["errcode"] == 40066


@pytest.mark.parametrize(
    ("method", "path", "errcode"),
    [
        ("GET", STABLE, 43002),
        ("PUT", STABLE, 43002),
        ("GET", REALNAME, 43002),
        ("POST", "/cgi-bin/token", 43001),
        ("POST", "/wxa/get_category", 43001),
        ("DELETE", "/sns/jscode2session", 43001),
    ],
)
def test_a_wrong_method_gets_its_code(
    wechat: WeChatClient, method: str, path: str, errcode: int
) -> None:
    assert parsed(wechat.send(method, path))["errcode"] == errcode


# --- HTTP -----------------------------------------------------------------------------------------


def connection_to(sandbox: Sandbox) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)


def test_a_connection_serves_many_requests(wechat: WeChatClient) -> None:
    with closing(connection_to(wechat.sandbox)) as connection:
        sockets = set()
        for path in ("/", STABLE, "/sandbox/", "/wxa/get_category", "/"):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.version == 11
            assert int(response.headers["Content-Length"]) == len(body)
            assert response.headers["Content-Type"].startswith("application/json")
            sockets.add(connection.sock)
        assert len(sockets) == 1
        assert None not in sockets


def test_an_answer_is_not_held_back_by_nagle(wechat: WeChatClient) -> None:
    token = wechat.access_token()
    start = time.perf_counter()
    for _ in range(20):
        wechat.categories(token)
    assert time.perf_counter() - start < 0.6  # 40 ms each, were it held back


def test_the_date_header_tells_the_sandboxes_time(wechat: WeChatClient) -> None:
    wechat.clock.seconds = 1_700_000_000
    assert wechat.send("GET", "/").headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_a_head_request_leaves_the_connection_usable(wechat: WeChatClient) -> None:
    assert wechat.send("HEAD", "/sandbox/").text == ""
    assert wechat.send("GET", "/sandbox/").status_code == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 412),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"what is this\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_what_is_not_http_as_spoken_here_is_turned_away_and_quotes_nothing(
    sandbox: Sandbox, request_head: bytes, status: int
) -> None:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_head)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        assert set(json.loads(response.read())) == {"error"}
        assert response.headers["Connection"] == "close"


def test_a_client_that_goes_away_harms_nobody(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = wechat.sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
    assert wechat.send("GET", "/").status_code == 404
    assert capfd.readouterr().err == ""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_stopped_sandbox_answers_no_more_on_open_connections_either(
    merchants: list[Merchant],
) -> None:
    sandbox = Sandbox(merchants)
    sandbox.start()
    with pytest.raises(RuntimeError):
        sandbox.start()
    with closing(connection_to(sandbox)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        sandbox.stop()
        sandbox.stop()
        connection.auto_open = 0
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", "/")
            connection.getresponse()
    with pytest.raises(RuntimeError):
        _ = sandbox.url


def test_what_it_knows_outlives_a_restart(
    merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> None:
    sandbox = Sandbox(merchants, clock=clock)
    auth_token = sandbox.issue_auth_token(NA, APP)
    with sandbox:
        token = WeChatClient(sandbox, clock, key).access_token()
    with sandbox:
        assert WeChatClient(sandbox, clock, key).ask(auth_token, access_token=token)["errcode"] == 0


def test_a_taken_port_is_told(sandbox: Sandbox, merchants: list[Merchant]) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(CannotListen, match=str(port)):
        Sandbox(merchants, port=port).start()


# --- The control side -----------------------------------------------------------------------------


def test_control_issues_an_auth_token(wechat: WeChatClient, key: MerchantKey) -> None:
    citizen = {"real_name": NAME, "credential_id": NUMBER, "app_id": APP}
    response = wechat.control("auth_tokens", citizen)
    assert response.status_code == 201
    assert set(response.json()) == {"auth_token"}
    assert decrypted(key, wechat.ask(response.json()["auth_token"])) == (NAME, NUMBER)


def test_control_issues_many_auth_tokens(wechat: WeChatClient) -> None:
    citizen = {"real_name": NAME, "credential_id": NUMBER, "app_id": APP}
    response = wechat.control("auth_tokens", {**citizen, "count": 3})
    assert response.status_code == 201
    tokens = response.json()["auth_tokens"]
    assert len(set(tokens)) == 3
    assert [wechat.ask(token)["errcode"] for token in tokens] == [0, 0, 0]
    assert len(wechat.control("auth_tokens", {**citizen, "count": 1}).json()["auth_tokens"]) == 1


@pytest.mark.parametrize(
    ("field", "value", "errcode"),
    [("wechat_pay", False, 94002), ("real_name_info", False, 94004), ("busy", 1, -1)],
)
def test_control_chooses_what_the_citizen_lacks(
    wechat: WeChatClient, field: str, value: object, errcode: int
) -> None:
    citizen = {"real_name": NAME, "credential_id": NUMBER, "app_id": APP, field: value}
    auth_token = wechat.control("auth_tokens", citizen).json()["auth_token"]
    assert wechat.ask(auth_token)["errcode"] == errcode


def test_the_only_appid_need_not_be_named(merchants: list[Merchant], key: MerchantKey) -> None:
    with Sandbox(merchants[:2]) as sandbox:
        wechat = WeChatClient(sandbox, Clock(), key)
        assert wechat.control("login_codes").status_code == 201
        citizen = {"real_name": NAME, "credential_id": NUMBER}
        assert wechat.control("auth_tokens", citizen).status_code == 201
        assert wechat.session_of(sandbox.issue_login_code())["openid"]


def test_control_issues_login_codes(wechat: WeChatClient) -> None:
    response = wechat.control("login_codes", {"app_id": APP, "openid": "oA", "unionid": "uA"})
    assert response.status_code == 201
    assert response.json()["openid"] == "oA"
    assert wechat.session_of(response.json()["code"])["unionid"] == "uA"


def test_control_kills_the_access_tokens(wechat: WeChatClient) -> None:
    tokens = [wechat.access_token(), wechat.old_token()["access_token"]]
    assert wechat.control("expire_access_tokens").json() == {"expired": 2}
    assert [wechat.categories(token)["errcode"] for token in tokens] == [40001, 40001]
    fresh = wechat.access_token()
    assert fresh not in tokens
    assert wechat.categories(fresh)["errcode"] == 0


def test_a_dead_token_can_be_repeated_until_it_is_forced(wechat: WeChatClient) -> None:
    dead = wechat.access_token()
    assert wechat.control("expire_access_tokens", {"keep_repeating": True}).status_code == 200
    assert wechat.access_token() == dead
    assert wechat.categories(dead)["errcode"] == 40001
    forced = wechat.stable_token(force_refresh=True)["access_token"]
    assert wechat.access_token() == forced != dead
    assert wechat.categories(forced)["errcode"] == 0


def test_the_ledger_tells_what_happened_without_a_secret(
    wechat: WeChatClient, auth_token: str
) -> None:
    token = wechat.access_token()
    wechat.ask(auth_token, access_token=token)
    wechat.ask(auth_token, access_token=token)
    wechat.send("GET", "/nowhere")
    ledger = wechat.control("ledger", method="GET").json()
    assert ledger["totals"] == {"stable_token": 1, "getrealnameinfo": 2, "unknown": 1}
    digest = hashlib.sha256(auth_token.encode()).hexdigest()
    assert [tuple(entry.values()) for entry in map(without_at, ledger["entries"])] == [
        ("stable_token", APP, 0, None, False),
        ("getrealnameinfo", APP, 0, digest, True),
        ("getrealnameinfo", APP, 94005, digest, False),
        ("unknown", None, 40066, None, False),
    ]
    told = json.dumps(ledger, ensure_ascii=False) + repr(wechat.sandbox.ledger)
    assert not any(secret in told for secret in (auth_token, token, SECRET, NAME, NUMBER))


def without_at(entry: Json) -> Json:
    assert datetime.fromisoformat(entry["at"]).utcoffset() == timedelta(0)
    return {name: value for name, value in entry.items() if name != "at"}


def test_the_ledger_can_be_reset_and_read_from_python(wechat: WeChatClient) -> None:
    wechat.stable_token(secret="wrong")
    (entry,) = wechat.sandbox.ledger
    assert (entry.call, entry.errcode, entry.app_id) == ("stable_token", 40125, None)
    assert entry.at == datetime.fromtimestamp(wechat.clock(), timezone.utc)
    assert wechat.sandbox.totals == {"stable_token": 1}
    assert wechat.control("ledger", method="DELETE").json() == {"removed": 1}
    assert (wechat.sandbox.ledger, wechat.sandbox.totals) == ((), {})
    wechat.stable_token()
    wechat.sandbox.reset_ledger()
    assert wechat.sandbox.ledger == ()


def test_control_says_what_it_is_and_lists_its_calls(
    wechat: WeChatClient, key: MerchantKey, renewed_key: MerchantKey
) -> None:
    about = wechat.control("", method="GET").json()
    assert wechat.send("GET", "/sandbox").json() == about
    assert about["merchants"][0] == {
        "app_id": APP,
        "mch_id": MCH,
        "cert_serialnos": [key.serial, renewed_key.serial],
        "authorised": True,
    }
    calls = [entry["call"] for entry in about["control"]]
    assert {"GET /sandbox/", "POST /sandbox/auth_tokens"} <= set(calls)
    assert "DELETE /sandbox/ledger" in calls
    assert f"POST {REALNAME}" in about["wechat"]
    assert SECRET not in json.dumps(about)


GOOD: Json = {"real_name": NAME, "credential_id": NUMBER, "app_id": APP}


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("auth_tokens", None, "real_name: is missing"),
        ("auth_tokens", [], "must be a JSON object"),
        ("auth_tokens", {"real_name": NAME, "app_id": APP}, "credential_id: is missing"),
        ("auth_tokens", {**GOOD, "real_name": ""}, "real_name: must not be empty"),
        ("auth_tokens", {**GOOD, "real_name": 7}, "real_name: must be a string"),
        ("auth_tokens", {**GOOD, "real_name": "\ud800"}, "real_name: "),
        ("auth_tokens", {**GOOD, "real_name": "长" * 123}, "real_name: must have 1 to 245 bytes"),
        ("auth_tokens", {**GOOD, "credential_id": "四四"}, "credential_id: can't be written"),
        ("auth_tokens", {**GOOD, "wechat_pay": 1}, "wechat_pay: must be true or false"),
        ("auth_tokens", {**GOOD, "real_name_info": "no"}, "real_name_info: must be true or false"),
        ("auth_tokens", {**GOOD, "count": True}, "count: must be a whole number"),
        ("auth_tokens", {**GOOD, "count": 0}, "count: must be a whole number"),
        ("auth_tokens", {**GOOD, "busy": -1}, "busy: must be a whole number"),
        ("auth_tokens", {**GOOD, "app_id": None}, "app_id: several are known"),
        ("auth_tokens", {**GOOD, "app_id": "wx-unknown"}, "app_id: not known"),
        ("auth_tokens", {**GOOD, "wechatpay": True}, "unknown field 'wechatpay'"),
        ("login_codes", {}, "app_id: several are known"),
        ("login_codes", {"app_id": APP, "openid": 7}, "openid: must be a string"),
        ("login_codes", {"app_id": APP, "openid": "\udc00"}, "openid: half a character"),
        ("expire_access_tokens", {"keep_repeating": "yes"}, "keep_repeating: must be true or"),
    ],
)
def test_bad_control_input_is_400_and_names_the_field(
    wechat: WeChatClient, path: str, body: object, says: str
) -> None:
    response = wechat.control(path, body)
    assert response.status_code == 400
    assert set(response.json()) == {"error"}
    assert says in response.json()["error"]


def test_control_with_broken_json_an_unknown_path_or_method(wechat: WeChatClient) -> None:
    broken = wechat.send("POST", "/sandbox/auth_tokens", data=b"{")
    assert (broken.status_code, broken.json()["error"]) == (400, "the body: is not JSON")
    assert wechat.control("nothing").status_code == 404
    assert wechat.control("auth_tokens", method="GET").status_code == 405


def test_control_is_for_loopback_only(
    wechat: WeChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_api, "is_loopback", lambda peer: False)
    response = wechat.control("auth_tokens", GOOD)
    assert response.status_code == 403
    assert "loopback" in response.json()["error"]
    assert "access_token" in wechat.stable_token()


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.2", False),
        ("::ffff:192.0.2.2", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
    ],
)
def test_which_peers_are_loopback(peer: str, loopback: bool) -> None:
    assert control_api.is_loopback(peer) is loopback


# --- Nothing leaks --------------------------------------------------------------------------------


def test_the_log_has_a_line_a_call_and_no_secret(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wx_realname.sandbox")
    token = wechat.access_token()
    auth_token = wechat.control("auth_tokens", GOOD).json()["auth_token"]
    wechat.ask(auth_token, access_token=token)
    wechat.old_token(secret="wrong")
    wechat.send("GET", f"/wxa/get_category&access_token={token}")
    wechat.send("GET", f"/{NUMBER}/{NAME}/there%0a")
    assert [record.getMessage() for record in caplog.records] == [
        "POST /cgi-bin/stable_token errcode 0",
        "POST /sandbox/auth_tokens HTTP 201",
        "POST /cgi-bin/wxopen/getrealnameinfo errcode 0",
        "GET /cgi-bin/token errcode 40125",
        "GET /wxa/... errcode 40066",
        "GET /.../.../... errcode 40066",
    ]


def test_an_unforeseen_fault_is_logged_by_kind_and_place_only(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*arguments: object) -> None:
        raise KeyError(NUMBER)

    monkeypatch.setattr(control_api, "is_loopback", fault)
    with pytest.raises(requests.ConnectionError):
        wechat.control("auth_tokens", GOOD)
    assert "unforeseen KeyError" in caplog.text
    assert NUMBER not in caplog.text


def test_reprs_show_no_secret(key: MerchantKey, merchants: list[Merchant]) -> None:
    assert SECRET not in repr(merchants)
    assert "BEGIN" not in repr(merchants) + repr(key)
    assert NAME not in repr(NA)
    assert NUMBER not in repr(NA)


# --- Merchants and keys ---------------------------------------------------------------------------


def test_a_merchant_key_has_a_serial_of_forty_digits_that_fits_its_certificate() -> None:
    made = make_merchant_key()
    certificate = x509.load_pem_x509_certificate(made.certificate_pem)
    assert made.serial == format(certificate.serial_number, "040X")
    assert certificate.public_key() == private_key(made).public_key()
    assert private_key(made).key_size == 2048
    assert certificate.not_valid_after_utc > datetime.now(timezone.utc) + timedelta(days=1000)


def test_a_serial_may_begin_with_zeros(renewed_key: MerchantKey) -> None:
    assert renewed_key.serial == "00AB" + "3" * 36
    with pytest.raises(ValueError, match="serial"):
        make_merchant_key(serial="F" * 40)
    with pytest.raises(ValueError, match="serial"):
        make_merchant_key(serial="0")


def test_a_certificate_that_has_expired_can_be_made() -> None:
    made = make_merchant_key(valid_for=timedelta(days=-3))
    certificate = x509.load_pem_x509_certificate(made.certificate_pem)
    assert certificate.not_valid_after_utc < datetime.now(timezone.utc)


def test_merchants_that_contradict_one_another_are_refused(key: MerchantKey) -> None:
    pem = (key.certificate_pem,)
    one = Merchant(APP, SECRET, MCH, pem)
    with pytest.raises(ValueError, match="at least one"):
        Sandbox([])
    with pytest.raises(ValueError, match="twice"):
        Sandbox([one, one])
    with pytest.raises(ValueError, match="two different secrets"):
        Sandbox([one, Merchant(APP, "other", SECOND_MCH, pem)])
    with pytest.raises(ValueError, match="app_id: not known"):
        Sandbox([one]).issue_auth_token(NA, "wx-unknown")


def test_a_certificate_must_be_readable_and_rsa(key: MerchantKey) -> None:
    with pytest.raises(ValueError, match="PEM"):
        Merchant(APP, SECRET, MCH, (b"nonsense",))
    with pytest.raises(ValueError, match="RSA"):
        Merchant(APP, SECRET, MCH, (elliptic_certificate(),))
    with pytest.raises(ValueError, match="app_secret"):
        Merchant(APP, "", MCH, (key.certificate_pem,))


def elliptic_certificate() -> bytes:
    private, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = datetime.now(timezone.utc)
    end = start + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, start, end)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_citizen_that_cannot_be_encrypted_is_refused_without_being_quoted() -> None:
    for name, number in (("", NUMBER), ("长" * 123, NUMBER), (NAME, "四四"), ("\ud800", NUMBER)):
        with pytest.raises(ValueError, match=r"^(real_name|credential_id): ") as caught:
            Citizen(name, number)
        assert caught.value.__cause__ is None
        assert "长" not in str(caught.value)
    with pytest.raises(ValueError, match="busy"):
        Citizen(NAME, NUMBER, busy=-1)


def test_the_sandbox_stands_apart() -> None:
    """It imports the standard library, `cryptography` and itself, nothing else."""
    assert wx_realname.sandbox.__file__ is not None
    for path in Path(wx_realname.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                roots = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots = {str(node.module).partition(".")[0]}
            else:
                assert not (isinstance(node, ast.ImportFrom) and node.level > 1), path
                continue
            assert roots <= sys.stdlib_module_names | {"cryptography"}, path


# --- The command line -----------------------------------------------------------------------------


class Cli:
    """`python -m wx_realname.sandbox`, as a process."""

    def __init__(self, *arguments: str, secret: str | None = None) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("WX_REALNAME_")}
        env |= {"WX_REALNAME_APP_SECRET": secret} if secret else {}
        env["PYTHONPATH"] = str(Path(__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wx_realname.sandbox", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        self.out = ""

    def __enter__(self) -> Cli:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.communicate()

    def url(self) -> str:
        """Wait for the line with the address."""
        assert self.process.stdout is not None
        while not (found := re.search(r"ready at (\S+)", self.out)):
            readable, _, _ = select.select([self.process.stdout], [], [], 30)
            chunk = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            assert chunk, "the sandbox never said its address"
            self.out += chunk.decode()
        return found[1]

    def end(self, signum: int | None = None) -> tuple[int, str]:
        """The exit code, after the signal, and what went to stderr."""
        if signum is not None:
            self.process.send_signal(signum)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err.decode()


@pytest.fixture
def certificate_file(tmp_path: Path, key: MerchantKey) -> str:
    path = tmp_path / "certificate.pem"
    path.write_bytes(key.certificate_pem)
    return str(path)


def options(certificate_file: str, *more: str) -> Sequence[str]:
    given = ("--app-id", APP, "--mch-id", MCH, "--certificate", certificate_file)
    return (*given, "--port", "0", *more)


def asked_for_a_token(url: str, app_id: str, secret: str) -> Json:
    body = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
    return parsed(requests.post(url + STABLE, json=body, timeout=10))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line_serves_until_a_signal(certificate_file: str, signum: int) -> None:
    with Cli(*options(certificate_file, "--token-lifetime", "60"), secret=SECRET) as cli:
        assert asked_for_a_token(cli.url(), APP, SECRET)["expires_in"] == 60
        code, err = cli.end(signum)
        assert code == 0
        assert "POST /cgi-bin/stable_token errcode 0" in err
        assert SECRET not in err


def test_the_secret_may_come_from_a_file(certificate_file: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    more = ("--app-secret-file", str(tmp_path / "secret"))
    with Cli(*options(certificate_file, *more), secret="not this one") as cli:
        assert "access_token" in asked_for_a_token(cli.url(), APP, SECRET)


def test_a_new_merchant_is_made_kept_private_and_served(tmp_path: Path) -> None:
    folder = tmp_path / "a merchant"
    with Cli("--new-merchant", str(folder), "--port", "0") as cli:
        url = cli.url()
        script = f"{cli.out.partition('WeChat sandbox')[0]}env -0"
        shell = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
        exported = dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)
        secret = (folder / "app_secret").read_text()
        assert exported["WX_REALNAME_APP_SECRET"] == secret
        assert exported["WX_REALNAME_API_BASE_URL"] == url
        assert "access_token" in asked_for_a_token(url, exported["WX_REALNAME_APP_ID"], secret)
        for variable in ("WX_REALNAME_PRIVATE_KEY_FILE", "WX_REALNAME_CERTIFICATE_FILE"):
            assert Path(exported[variable]).read_bytes().startswith(b"-----BEGIN ")
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        assert secret not in cli.out
        assert "BEGIN" not in cli.out
    with Cli("--new-merchant", str(folder), "--port", "0") as cli:
        code, err = cli.end()
        assert (code, "is not overwritten" in err) == (2, True)
        assert (folder / "app_secret").read_text() == secret


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give --app-id and --mch-id and --certificate, or --new-merchant DIR"),
        (("--app-id", APP), "give --mch-id and --certificate"),
        (("--new-merchant", "x", "--certificate", "y"), "--new-merchant makes its own"),
        (("--port", "70000"), "--port: must be a number from 0 to 65535"),
        (("--token-lifetime", "nan"), "--token-lifetime: must be a number of seconds"),
    ],
)
def test_options_that_do_not_do_say_which_to_give(arguments: Sequence[str], says: str) -> None:
    with Cli(*arguments, secret=SECRET) as cli:
        code, err = cli.end()
        assert code == 2
        assert says in err


def test_a_missing_secret_or_a_bad_certificate_is_a_clear_error(
    certificate_file: str, tmp_path: Path
) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    bad = str(tmp_path / "nonsense")
    for given, secret, says in (
        (options(certificate_file), None, "set WX_REALNAME_APP_SECRET"),
        (options(bad), SECRET, "not a certificate in PEM"),
        (options(str(tmp_path / "none")), SECRET, "--certificate: "),
    ):
        with Cli(*given, secret=secret) as cli:
            code, err = cli.end()
            assert code == 2
            assert says in err


def test_a_taken_port_is_a_clear_error(sandbox: Sandbox, certificate_file: str) -> None:
    port = sandbox.url.rpartition(":")[2]
    with Cli(*options(certificate_file, "--port", port), secret=SECRET) as cli:
        code, err = cli.end()
        assert code == 1
        assert f"can't listen on 127.0.0.1:{port}" in err
        assert "Traceback" not in err
