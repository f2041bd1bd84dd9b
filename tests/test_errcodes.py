"""WeChat's return codes: the table agrees with the interface."""

from __future__ import annotations

import re

from tests.cases import each
from wx_realname.exceptions import BY_CODE
from wx_realname.wechat import errcodes
from wx_realname.wechat.errcodes import ERRCODES, Call, ErrCode

#: The rows of the error table in the interface, and what the login's page adds.
INTERFACE: dict[Call, dict[str, set[int]]] = {
    "api": {
        "no_wechat_pay": {94002},
        "no_real_name": {94004},
        "invalid_auth_token": {94005},
        "misconfigured": {94001, 94003, *range(94006, 94011), 48001, 61007, 40001, 40014, 42001}
        | {40013, 40164, 43002, 41001},
        "wechat_busy": {-1},
        "quota_exhausted": {45009, 45011},
    },
    "token": {
        "misconfigured": {40001, 40002, 40013, 40125, 40164, 40243, 41001, 41002, 41004, 43002}
        | {89503, 89506, 89507},
        "wechat_busy": {-1},
        "quota_exhausted": {45009, 45011},
    },
    "login": {
        "invalid_code": {40029, 40163},
        "misconfigured": {40013, 40125, 40164, 41001, 43002},
        "permission_denied": {40226},
        "wechat_busy": {-1},
        "quota_exhausted": {45009, 45011},
    },
    "check": {"misconfigured": {1005}, "invalid_code": {80111, 80113}, "wechat_busy": {80112}},
    "getverifyid": {
        "misconfigured": {40003, 84010, 84011, 84012, 84013, 84016, 48001},
        "mismatch": {84014, 84015},
        "wechat_unreachable": {84019},
    },
    "queryverifyinfo": {
        "misconfigured": {84017, 84018, 84020, 40003, 48001, 84010, 84016, 84021},
        "mismatch": {84014, 84015},
        "face_expired": {84022},
        "wechat_error": {84001},
    },
}
CASES = [
    (call, errcode, code)
    for call, codes in INTERFACE.items()
    for code, those in codes.items()
    for errcode in sorted(those)
]


def test_the_table_means_what_the_interface_says_and_has_no_other_row() -> None:
    assert {(row.call, row.errcode): row.code for row in ERRCODES} == {
        (call, errcode): code for call, errcode, code in CASES
    }
    assert len(ERRCODES) == len(CASES)
    assert all(errcodes.code_for(call, errcode) == code for call, errcode, code in CASES)


@each("call", ["check", "getverifyid", "queryverifyinfo"])
def test_what_is_refused_on_every_call_is_refused_on_those_about_a_citizen(call: Call) -> None:
    for errcode in (-1, 40001, 40014, 42001, 40013, 40164, 41001, 43002, 45009, 45011, 61007):
        assert errcodes.find(call, errcode) == errcodes.find("api", errcode) is not None
        assert not errcodes.ends_a_query(errcode)
    assert errcodes.code_for("check", 48001) == "misconfigured"


def test_few_return_codes_end_a_query() -> None:
    ending = {errcode for errcode in range(-1, 100_000) if errcodes.ends_a_query(errcode)}
    assert ending == {84014, 84015, 84017, 84018, 84020, 84022}


OF_OTHER_CALLS = [("api", 40125), ("login", 94005), ("token", 0)]
OF_OTHER_CALLS += [("getverifyid", 94004), ("queryverifyinfo", 84019)]


@each(("call", "errcode"), OF_OTHER_CALLS)
def test_a_code_that_is_not_of_that_call_is_an_error_of_wechats(call: Call, errcode: int) -> None:
    assert errcodes.find(call, errcode) is None
    assert errcodes.code_for(call, errcode) == "wechat_error"


@each("row", ERRCODES)
def test_a_row_is_complete(row: ErrCode) -> None:
    assert row.code in BY_CODE
    for text in (row.meaning_zh, row.remedy_zh):
        assert re.search("[\u4e00-\u9fff]", text)
    for text in (row.meaning_en, row.remedy_en):
        assert text.strip() == text != ""
        assert not re.search("[\u4e00-\u9fff]", text.replace("实名授权", ""))
    assert row.remedy_en.endswith(".")


def test_whose_turn_it_is_follows_from_what_became_of_the_record() -> None:
    for row in ERRCODES:
        if row.code == "misconfigured":
            assert row.who in ("operator", "developer"), row
        if BY_CODE[row.code].outcome == "rejected":
            assert row.who == "citizen", row


def test_a_dead_access_token_is_misconfigured_when_a_fresh_one_is_dead_too() -> None:
    assert {40001, 40014, 42001} == errcodes.DEAD_ACCESS_TOKEN
    assert {errcodes.code_for("api", dead) for dead in errcodes.DEAD_ACCESS_TOKEN} == {
        "misconfigured"
    }
