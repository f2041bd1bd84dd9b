"""WeChat's words are kept without harm: no secret that it echoes, and not at any length."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import each
from wx_realname.models import Verification
from wx_realname.personal_data import Secret
from wx_realname.sandbox import errcodes as sandbox_errcodes
from wx_realname.wechat.errmsg import KNOWN, reply

ROOM = Verification._meta.get_field("errmsg").max_length
AUTH_TOKEN, ACCESS_TOKEN = Secret("auth-token+of/a=citizen"), Secret("70_access-token")
NUMBER = "44052419880101001X"


def errmsg(said: Any, *secrets: Secret) -> str:
    return reply(1, said, secrets)["errmsg"]


def hint(said: Any) -> str | None:
    return reply(1, said, [])["hint"]


@each(
    ("said", "expected"),
    [
        ("invalid timestamp hint: [YIJ9Ia03331961]", "YIJ9Ia03331961"),
        ("invalid credential hint: [ abc123 ]", "abc123"),
        ("invalid credential hint:[abc-123]", "abc-123"),
        ("invalid credential hint: [V.8yIa0166ge21]", "V.8yIa0166ge21"),
        ("invalid ip 1.2.3.4, not in whitelist rid: 6034c5a5-5b7e7b12", "6034c5a5-5b7e7b12"),
        ("x rid:6034c5a5-13c6a9f8", "6034c5a5-13c6a9f8"),
        ("hint: [first] rid: 6a-1", "first"),
        ("x" * 500 + " rid: 6034c5a5-13c6a9f8", "6034c5a5-13c6a9f8"),
        ("hint: []", None),
        ("hint: [   ]", None),
        ("hint: [never closed", None),
        ("hint: [13800138000]", None),
        ("hint: [oABCDEFGHIJKLMNOPQRSTUVWXYZ0]", None),
        ("hint: [欧阳娜]", None),
        ("rid: 13800138000", None),
        ("rid: oABCDEFGHIJKLMNOPQRSTUVWXYZ0", None),
        ("a hint", None),
        ("", None),
    ],
)
def test_hint_and_rid_are_found_and_nothing_of_another_form(
    said: str, expected: str | None
) -> None:
    assert hint(said) == expected


@each("text", [*sandbox_errcodes.TEXTS.values(), "system busy"])
def test_a_known_text_is_kept(text: str) -> None:
    assert errmsg(f"{text} rid: 6034c5a5-5b7e7b12") == f"{text} rid: 6034c5a5-5b7e7b12"
    assert errmsg(text) == text


@each("text", ["the citizen 欧阳娜 was not found", "invalid appid wx1 of 13800138000", "no", "OK"])
def test_of_an_unknown_text_its_length_and_the_reference_are_kept(text: str) -> None:
    assert errmsg(text) == f"unknown text ({len(text)} characters)"
    said = f"{text} hint: [YIJ9Ia03331961] and more"
    kept = f"unknown text ({len(said)} characters) hint: [YIJ9Ia03331961]"
    assert errmsg(said) == kept


@each("said", [None, 7, 1.5, True, [], ["x"], {"a": "b"}, b"bytes"])
def test_an_errmsg_that_is_no_text_is_empty(said: Any) -> None:
    assert reply(94008, said, []) == {"errcode": 94008, "errmsg": "", "hint": None}


@each("quoted", ["{}", "bad {}, hint: [{}]", "{0}{0}", "token={}&x", "\x00{}\n"])
def test_an_echoed_secret_is_not_kept(quoted: str) -> None:
    for secret in (AUTH_TOKEN, ACCESS_TOKEN):
        said = quoted.replace("{0}", "{}").replace("{}", secret.reveal())
        kept = reply(1, said, [ACCESS_TOKEN, AUTH_TOKEN, Secret("")])
        assert secret.reveal() not in str(kept)
        assert "unknown text" in kept["errmsg"]


AROUND = ["bad {}", "bad [{}] hint: [x]", '"{}"', "{}…", "auth_token={}", "?t={}&x", "{},", "...{}"]


@each("change", [quote, quote_plus, partial(quote, safe=""), str.upper, str.lower])
@each("cut", [slice(None), slice(30), slice(10, None)])
@each("around", AROUND)
def test_a_secret_that_is_echoed_otherwise_is_not_kept(
    change: Callable[[str], str], cut: slice, around: str
) -> None:
    token = "LEAK/+=&?%25~token-of-a-citizen-in-these-tests"
    if cut != slice(None) and change in (str.upper, str.lower):
        change = str  # no one cuts and shouts
    said = change(token)[cut]
    kept = errmsg(around.format(said), Secret(token))
    assert said not in kept and "unknown text" in kept


@each("number", [NUMBER, NUMBER.lower(), "440524198801010014", "440524880101001"])
@each("quoted", ["id {} is wrong", "{}", "id={},name", "号码{}错误", "a{}b"])
def test_an_echoed_id_number_is_not_kept(number: str, quoted: str) -> None:
    assert number not in errmsg(quoted.replace("{}", number))


def test_no_text_is_long() -> None:
    assert errmsg("错" * 10_000) == "unknown text (10000 characters)"
    assert max(map(len, KNOWN)) < ROOM - 60


@each(
    "said",
    [
        *(text * 10_000 for text in ("hint:[", "rid:", "11111", "1 ", "hint: ", "hint:[ ]")),
        "hint:[" + " " * 60_000,
        "hint:" + " " * 60_000,
    ],
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
    assert len(kept["errmsg"]) <= ROOM
    assert (kept["hint"] or "x").strip()
