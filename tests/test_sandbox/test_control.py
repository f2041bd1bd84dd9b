"""The control side; and nothing leaks."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta, timezone

import pytest
import requests

from tests.cases import each
from tests.test_sandbox.client import (
    APP,
    MCH,
    NA,
    NAME,
    NUMBER,
    PERSON,
    REALNAME,
    SECRET,
    Clock,
    Json,
    WeChatClient,
    decrypted,
)
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox, control_api


def test_control_issues_auth_tokens(wechat: WeChatClient, key: MerchantKey) -> None:
    response = wechat.control("auth_tokens", PERSON)
    assert (response.status_code, set(response.json())) == (201, {"auth_token"})
    assert decrypted(key, wechat.ask(response.json()["auth_token"])) == (NAME, NUMBER)
    tokens = wechat.control("auth_tokens", {**PERSON, "count": 3}).json()["auth_tokens"]
    assert len(set(tokens)) == 3
    assert [wechat.ask(token)["errcode"] for token in tokens] == [0, 0, 0]
    assert len(wechat.control("auth_tokens", {**PERSON, "count": 1}).json()["auth_tokens"]) == 1


@pytest.mark.parametrize(
    ("field", "value", "errcode"),
    [("wechat_pay", False, 94002), ("real_name_info", False, 94004), ("busy", 1, -1)],
)
def test_control_chooses_what_the_citizen_lacks(
    wechat: WeChatClient, field: str, value: object, errcode: int
) -> None:
    auth_token = wechat.control("auth_tokens", {**PERSON, field: value}).json()["auth_token"]
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
        ("stable_token", APP, 0, None, False, None, "whole", None),
        ("getrealnameinfo", APP, 0, digest, True, None, "whole", None),
        ("getrealnameinfo", APP, 94005, digest, False, None, "whole", None),
        ("unknown", None, 40066, None, False, None, "whole", None),
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
        "button": True,
        "check": True,
        "face": True,
    }
    calls = [entry["call"] for entry in about["control"]]
    assert {"GET /sandbox/", "POST /sandbox/auth_tokens"} <= set(calls)
    assert "DELETE /sandbox/ledger" in calls
    assert f"POST {REALNAME}" in about["wechat"]
    assert SECRET not in json.dumps(about)


@each(
    ("path", "body", "says"),
    [
        ("auth_tokens", None, "real_name: is missing"),
        ("auth_tokens", [], "must be a JSON object"),
        ("auth_tokens", {"real_name": NAME, "app_id": APP}, "credential_id: is missing"),
        ("auth_tokens", {**PERSON, "real_name": ""}, "real_name: must not be empty"),
        ("auth_tokens", {**PERSON, "real_name": 7}, "real_name: must be a string"),
        ("auth_tokens", {**PERSON, "real_name": "\ud800"}, "real_name: "),
        ("auth_tokens", {**PERSON, "real_name": "长" * 123}, "real_name: must have 1 to 245 bytes"),
        ("auth_tokens", {**PERSON, "credential_id": "四四"}, "credential_id: can't be written"),
        ("auth_tokens", {**PERSON, "wechat_pay": 1}, "wechat_pay: must be true or false"),
        ("auth_tokens", {**PERSON, "real_name_info": 0}, "real_name_info: must be true or false"),
        ("auth_tokens", {**PERSON, "count": True}, "count: must be a whole number"),
        ("auth_tokens", {**PERSON, "count": 0}, "count: must be a whole number"),
        ("auth_tokens", {**PERSON, "busy": -1}, "busy: must be a whole number"),
        ("auth_tokens", {**PERSON, "app_id": None}, "app_id: several are known"),
        ("auth_tokens", {**PERSON, "app_id": "wx-unknown"}, "app_id: not known"),
        ("auth_tokens", {**PERSON, "wechatpay": True}, "unknown field 'wechatpay'"),
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
    response = wechat.control("auth_tokens", PERSON)
    assert response.status_code == 403
    assert "loopback" in response.json()["error"]
    assert "access_token" in wechat.stable_token()


@each(
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


def test_the_log_has_a_line_a_call_and_no_secret(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wx_realname.sandbox")
    token = wechat.access_token()
    auth_token = wechat.control("auth_tokens", PERSON).json()["auth_token"]
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


def test_an_unexpected_error_is_logged_by_kind_and_place_only(
    wechat: WeChatClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*arguments: object) -> None:
        raise KeyError(NUMBER)

    monkeypatch.setattr(control_api, "is_loopback", fault)
    with pytest.raises(requests.ConnectionError):
        wechat.control("auth_tokens", PERSON)
    assert "unexpected KeyError" in caplog.text
    assert NUMBER not in caplog.text


def test_reprs_show_no_secret(key: MerchantKey, merchants: list[Merchant]) -> None:
    assert SECRET not in repr(merchants)
    assert "BEGIN" not in repr(merchants) + repr(key)
    assert NAME not in repr(NA)
    assert NUMBER not in repr(NA)
