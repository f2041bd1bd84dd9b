"""WeChat's return codes: the table agrees with the interface, and its words are kept without harm."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wx_realname.exceptions import BY_CODE
from wx_realname.personal_data import Secret
from wx_realname.wechat import errcodes
from wx_realname.wechat.errcodes import ERRCODES, MAX_ERRMSG, Call, ErrCode

#: The rows of the error table in the interface, and what the login's page adds.
INTERFACE: dict[Call, dict[str, set[int]]] = {
    "api": {
        "no_wechat_pay": {94002},
        "no_real_name": {94004},
        "invalid_auth_token": {94005},
        "misconfigured": {94001, 94003, *range(94006, 94011), 48001, 61007, 40001, 40014, 42001},
        "wechat_busy": {-1},
        "quota_exhausted": {45009, 45011},
    },
    "token": {
        "misconfigured": {40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 43002}
        | {89503, 89506, 89507},
        "wechat_busy": {-1},
        "quota_exhausted": {45009, 45011},
    },
    "login": {
        "invalid_code": {40029, 40163},
        "misconfigured": {40013, 40125},
        "permission_denied": {40226},
        "wechat_busy": {-1},
        "quota_exhausted": {45011},
    },
    "check": {
        "misconfigured": {1005},
        "invalid_code": {80111, 80113},
        "wechat_busy": {80112},
    },
}
CASES = [
    (call, errcode, code)
    for call, codes in INTERFACE.items()
    for code, those in codes.items()
    for errcode in sorted(those)
]
AUTH_TOKEN, ACCESS_TOKEN = Secret("auth-token+of/a=citizen"), Secret("70_access-token")
NUMBER = "44052419880101001X"


def errmsg(said: Any, *secrets: Secret) -> str:
    return errcodes.reply(1, said, secrets)["errmsg"]


def hint(said: Any) -> str | None:
    return errcodes.reply(1, said, [])["hint"]


# --- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "errcode", "code"), CASES)
def test_a_return_code_means_what_the_interface_says(call: Call, errcode: int, code: str) -> None:
    row = errcodes.find(call, errcode)
    assert row is not None
    assert row.code == errcodes.code_for(call, errcode) == code


def test_the_table_has_each_of_them_once_and_no_other() -> None:
    assert sorted((row.call, row.errcode) for row in ERRCODES) == sorted(
        (call, errcode) for call, errcode, _ in CASES
    )


@pytest.mark.parametrize("errcode", [-1, 40001, 45009, 48001])
def test_a_check_is_refused_as_any_other_call_is(errcode: int) -> None:
    assert errcodes.find("check", errcode) == errcodes.find("api", errcode) is not None


@pytest.mark.parametrize(("call", "errcode"), [("api", 40013), ("login", 94005), ("token", 0)])
def test_a_code_that_is_not_of_that_call_is_an_error_of_wechats(call: Call, errcode: int) -> None:
    assert errcodes.find(call, errcode) is None
    assert errcodes.code_for(call, errcode) == "wechat_error"


@pytest.mark.parametrize("row", ERRCODES, ids=lambda row: f"{row.call} {row.errcode}")
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


# --- WeChat's words ---------------------------------------------------------------------------


def test_a_reply_is_what_wechat_said() -> None:
    said = "invalid timestamp hint: [YIJ9Ia03331961]"
    assert errcodes.reply(94008, said, [AUTH_TOKEN]) == {
        "errcode": 94008,
        "errmsg": said,
        "hint": "YIJ9Ia03331961",
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("invalid credential hint: [ abc123 ]", "abc123"),
        ("invalid credential hint:[abc-123]", "abc-123"),
        ("invalid ip 1.2.3.4, not in whitelist rid: 6034c5a5-5b7e7b12", "6034c5a5-5b7e7b12"),
        ("x rid:6034c5a5-13c6a9f8", "6034c5a5-13c6a9f8"),
        ("hint: [first] rid: second", "first"),
        ("x" * 500 + " rid: 6034c5a5-13c6a9f8", "6034c5a5-13c6a9f8"),
        ("hint: []", None),
        ("hint: [   ]", None),
        ("hint: [never closed", None),
        ("a hint", None),
        ("", None),
    ],
)
def test_hint_and_rid_are_found(said: str, expected: str | None) -> None:
    assert hint(said) == expected


def test_the_address_that_is_not_in_the_whitelist_is_kept() -> None:
    said = "invalid ip 101.32.1.9 ipv6 ::ffff:101.32.1.9, not in whitelist"
    assert errmsg(said, ACCESS_TOKEN) == said


@pytest.mark.parametrize("said", [None, 7, 1.5, True, [], ["x"], {"a": "b"}, b"bytes"])
def test_an_errmsg_that_is_no_text_is_empty(said: Any) -> None:
    assert errcodes.reply(94008, said, []) == {"errcode": 94008, "errmsg": "", "hint": None}


@pytest.mark.parametrize("quoted", ["{}", "bad {}, hint: [{}]", "{0}{0}", "token={}&x", "\x00{}\n"])
def test_an_echoed_secret_is_not_kept(quoted: str) -> None:
    for secret in (AUTH_TOKEN, ACCESS_TOKEN):
        said = quoted.replace("{0}", "{}").replace("{}", secret.reveal())
        kept = errcodes.reply(1, said, [ACCESS_TOKEN, AUTH_TOKEN, Secret("")])
        assert secret.reveal() not in str(kept)
        assert "***" in kept["errmsg"]


AROUND = ["bad {}", "bad [{}] hint: [x]", '"{}"', "{}…", "auth_token={}", "?t={}&x", "{},", "...{}"]


@pytest.mark.parametrize(
    "change", [quote, quote_plus, partial(quote, safe=""), str.upper, str.lower]
)
@pytest.mark.parametrize("cut", [slice(None), slice(30), slice(10, None)])
@pytest.mark.parametrize(
    "around",
    ["bad {}", "bad [{}] hint: [x]", '"{}"', "{}…", "auth_token={}", "?t={}&x", "{},", "...{}"],
)
def test_a_secret_that_is_echoed_otherwise_is_not_kept(
    change: Callable[[str], str], cut: slice, around: str
) -> None:
    token = "LEAK/+=&?%25~token-of-a-citizen-in-these-tests"
    if cut != slice(None) and change in (str.upper, str.lower):
        change = str  # no one cuts and shouts
    said = change(token)[cut]
    kept = errmsg(around.format(said), Secret(token))
    assert said not in kept and "***" in kept


def test_words_that_only_look_like_a_part_are_kept() -> None:
    said = "invalid credential, access_token is invalid or not latest rid: 6a-6b-6c"
    assert errmsg(said, Secret("access"), Secret("70_x-access_token-of-another")) == said.replace(
        "access", "***"
    )


def test_a_secret_at_the_cut_leaves_no_part() -> None:
    kept = errmsg("x" * (MAX_ERRMSG - 5) + AUTH_TOKEN.reveal(), AUTH_TOKEN)
    assert len(kept) <= MAX_ERRMSG
    assert AUTH_TOKEN.reveal()[:4] not in kept


@pytest.mark.parametrize(
    "number", [NUMBER, NUMBER.lower(), "440524198801010014", "440524880101001"]
)
@pytest.mark.parametrize("quoted", ["id {} is wrong", "{}", "id={},name", "号码{}错误", "a{}b"])
def test_an_echoed_id_number_is_not_kept(number: str, quoted: str) -> None:
    assert number not in errmsg(quoted.replace("{}", number))


def test_other_numbers_are_kept() -> None:
    said = "12345678901234 123456789012345678901 1600000000 6034c5a5-13c6a9f8"
    assert errmsg(said, Secret("")) == said


def test_control_characters_and_lone_surrogates_are_blanks() -> None:
    assert errmsg("a\x00b\r\nc\x1bd\x7fe\x85f\ud800g") == "a b  c d e f g"


def test_a_long_errmsg_is_cut() -> None:
    assert errmsg("错" * 10_000) == "错" * MAX_ERRMSG


@pytest.mark.parametrize(
    "said",
    [
        *(text * 10_000 for text in ("hint:[", "rid:", "11111", "1 ", "hint: ", "hint:[ ]")),
        "hint:[" + " " * 60_000,
        "hint:" + " " * 60_000,
    ],
    ids=lambda said: said[:9],
)
def test_no_errmsg_takes_long(said: str) -> None:
    began = time.monotonic()
    errmsg(said, AUTH_TOKEN)
    assert time.monotonic() - began < 5


@settings(deadline=None)
@given(st.text(), st.lists(st.text("abcXYZ019-_+/=", min_size=6), max_size=3), st.data())
def test_whatever_is_said_no_secret_is_kept(before: str, texts: list[str], data: Any) -> None:
    said = before
    for text in texts:
        said += text + data.draw(st.text(max_size=3))
    kept = errcodes.reply(1, said, [Secret(text) for text in texts])
    assert not [text for text in texts if text in kept["errmsg"] or text in (kept["hint"] or "")]
    kept["errmsg"].encode()
    assert len(kept["errmsg"]) <= MAX_ERRMSG
    assert (kept["hint"] or "x").strip()
