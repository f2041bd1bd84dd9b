"""The exchange, over a real socket: section numbers are the interface document's."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding

from tests.cases import each
from tests.test_sandbox.client import (
    APP,
    NA,
    NAME,
    NUMBER,
    OTHER_APP,
    OTHER_MCH,
    REALNAME,
    SECOND_MCH,
    SHUT_APP,
    SHUT_MCH,
    STABLE,
    Json,
    WeChatClient,
    decrypted,
    parsed,
    private_key,
    sign,
)
from wx_realname.sandbox import Citizen, MerchantKey


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


@each(
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
    wechat: WeChatClient, errcode: int, changes: Json
) -> None:
    auth_token = wechat.sandbox.issue_auth_token(NA, APP)
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
