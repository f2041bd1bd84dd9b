"""Categories, login, and paths that aren't there."""

from __future__ import annotations

import base64
import re

import pytest

from tests.test_sandbox.client import APP, OTHER_APP, REALNAME, STABLE, Json, WeChatClient, parsed


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
