"""The successor: checkrealnameinfo, and the codes of WeChat's city service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_sandbox.client import APP, CHECK, NAME, NUMBER, PERSON, WeChatClient, without_none
from wx_realname.sandbox import Citizen

MATCH = ("V_OP_NM_MA", "V_NM_ID_MA")


def verdict(answer: dict[str, Any]) -> tuple[str, str]:
    assert answer["errcode"] == 0
    return answer["verify_openid"], answer["verify_real_name"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCH),
        ({"real_name": "王二"}, ("V_OP_NM_UM", "")),
        ({"cred_id": "110105194912310021"}, ("V_OP_NM_MA", "V_NM_ID_UM")),
        ({"real_name": "王二", "cred_id": "110105194912310021"}, ("V_OP_NM_UM", "")),
    ],
)
def test_what_was_typed_is_held_against_what_is_known(
    wechat: WeChatClient, changes: dict[str, str], expected: tuple[str, str]
) -> None:
    assert verdict(wechat.check(**changes)) == expected
    entry = wechat.sandbox.ledger[-1]
    assert (entry.call, entry.consumed) == ("checkrealnameinfo", True)


@pytest.mark.parametrize("lacks", ["wechat_pay", "real_name_info"])
def test_of_whom_nothing_is_known(wechat: WeChatClient, lacks: str) -> None:
    person = Citizen(NAME, NUMBER, **{lacks: False})
    code = wechat.sandbox.issue_check_code(person, "oCitizen", APP)
    assert verdict(wechat.check(code=code)) == ("V_OP_NA", "")


def test_a_code_is_good_for_one_check_of_one_openid(wechat: WeChatClient) -> None:
    code = wechat.sandbox.issue_check_code(Citizen(NAME, NUMBER), "oCitizen", APP)
    assert wechat.check(code=code, openid="oAnother")["errcode"] == 80113
    assert verdict(wechat.check(code=code)) == MATCH
    assert wechat.check(code=code)["errcode"] == 80113
    assert wechat.check(code="never issued")["errcode"] == 80111


@pytest.mark.parametrize(
    "changes",
    [{"cred_type": "2"}, {"cred_type": 1}, {"openid": None}, {"real_name": ["x"]}, {"code": None}],
)
def test_a_body_that_is_not_as_the_document_says(
    wechat: WeChatClient, changes: dict[str, Any]
) -> None:
    assert wechat.check(**changes)["errcode"] == 47001


def test_without_an_access_token(wechat: WeChatClient) -> None:
    answer = wechat.send("POST", CHECK, json=without_none(wechat.typed())).json()
    assert answer["errcode"] == 41001


def test_a_code_over_the_control_address(wechat: WeChatClient) -> None:
    answer = wechat.control("check_codes", PERSON | {"openid": "oCitizen"})
    assert answer.status_code == 201
    assert verdict(wechat.check(code=answer.json()["code"])) == MATCH
    assert wechat.control("check_codes", PERSON).status_code == 400


def test_a_code_may_bring_its_own_fault(wechat: WeChatClient) -> None:
    person = PERSON | {"openid": "oCitizen"}
    unlucky = person | {"fault": "errcode_80112", "fault_times": 1}
    code = wechat.control("check_codes", unlucky).json()["code"]
    assert verdict(wechat.check()) == MATCH  # nobody else meets it
    assert [wechat.check(code=code)["errcode"] for _ in range(3)] == [80112, 0, 80113]
    answer = wechat.control("check_codes", person | {"fault": "encrypted_for_another_key"})
    assert answer.status_code == 400 and "getrealnameinfo only" in answer.json()["error"]


def test_the_ledger_tells_the_verdict(wechat: WeChatClient) -> None:
    wechat.check(cred_id="110105194912310021")
    assert wechat.control("ledger", method="GET").json()["entries"][-1]["verdict"] == {
        "verify_openid": "V_OP_NM_MA",
        "verify_real_name": "V_NM_ID_UM",
    }
    assert wechat.check(code="never issued")["errcode"] == 80111
    assert wechat.sandbox.ledger[-1].verdict is None
