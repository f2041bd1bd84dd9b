"""WeChat's words are kept without harm: no secret that it echoes, and not at any length."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wx_realname.personal_data import Secret
from wx_realname.wechat.errmsg import MAX_ERRMSG, reply

AUTH_TOKEN, ACCESS_TOKEN = Secret("auth-token+of/a=citizen"), Secret("70_access-token")
NUMBER = "44052419880101001X"


def errmsg(said: Any, *secrets: Secret) -> str:
    return reply(1, said, secrets)["errmsg"]


def hint(said: Any) -> str | None:
    return reply(1, said, [])["hint"]


def test_a_reply_is_what_wechat_said() -> None:
    said = "invalid timestamp hint: [YIJ9Ia03331961]"
    assert reply(94008, said, [AUTH_TOKEN]) == {
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
    assert reply(94008, said, []) == {"errcode": 94008, "errmsg": "", "hint": None}


@pytest.mark.parametrize("quoted", ["{}", "bad {}, hint: [{}]", "{0}{0}", "token={}&x", "\x00{}\n"])
def test_an_echoed_secret_is_not_kept(quoted: str) -> None:
    for secret in (AUTH_TOKEN, ACCESS_TOKEN):
        said = quoted.replace("{0}", "{}").replace("{}", secret.reveal())
        kept = reply(1, said, [ACCESS_TOKEN, AUTH_TOKEN, Secret("")])
        assert secret.reveal() not in str(kept)
        assert "***" in kept["errmsg"]


AROUND = ["bad {}", "bad [{}] hint: [x]", '"{}"', "{}…", "auth_token={}", "?t={}&x", "{},", "...{}"]


@pytest.mark.parametrize(
    "change", [quote, quote_plus, partial(quote, safe=""), str.upper, str.lower]
)
@pytest.mark.parametrize("cut", [slice(None), slice(30), slice(10, None)])
@pytest.mark.parametrize("around", AROUND)
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
    kept = reply(1, said, [Secret(text) for text in texts])
    assert not [text for text in texts if text in kept["errmsg"] or text in (kept["hint"] or "")]
    kept["errmsg"].encode()
    assert len(kept["errmsg"]) <= MAX_ERRMSG
    assert (kept["hint"] or "x").strip()
