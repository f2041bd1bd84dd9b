"""Blind indexes, token digests and outcome codes of version 1. The hex was computed by hand with
hashlib: when one changes, no person, token or outcome of before is found again."""

from __future__ import annotations

import base64
from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests import settings as test_settings
from tests.cases import each
from wx_realname.audit import outcome
from wx_realname.conf import HashKey
from wx_realname.models import Verification
from wx_realname.vault.blind_index import (
    BlindIndex,
    blind_index,
    name_form,
    names,
    number_form,
    numbers,
)

KEY = HashKey("i1", bytes(range(32)))
OLDER = HashKey("i0", b"\x07" * 32)
NAME, NUMBER = "欧阳娜", "440524198001010013"
ENCODED = base64.b64encode(KEY.material).decode()


@each(
    ("purpose", "value", "expected"),
    [
        (
            "wx_realname.real_name",
            NAME,
            "96f7e292738f778a61b66484cfde8d83624dc2ea5baba215f2b33d045f260707",
        ),
        (
            "wx_realname.credential_id",
            NUMBER,
            "8c2ea1aa4ab14a4f2a9e07145b2c629a62a746ddbca107f375fc99b96113b81c",
        ),
        (
            "wx_realname.token_digest",
            "an-auth-token",
            "4b607d3aea881aa702b4eaf27424102c7619f8df571ff403a8db249f9ee083e4",
        ),
    ],
)
def test_a_digest_of_version_1_stays_what_it_is(purpose: str, value: str, expected: str) -> None:
    digest = BlindIndex((KEY,), purpose).digest(value)
    assert (digest.hex, digest.key_id) == (expected, "i1")
    assert BlindIndex((KEY,), purpose).digest(value.encode()) == digest


@pytest.mark.parametrize(
    ("index", "purpose"), [(names, "wx_realname.real_name"), (numbers, "wx_realname.credential_id")]
)
def test_each_column_is_found_by_its_own_purpose(
    index: Callable[..., BlindIndex], purpose: str
) -> None:
    assert index((KEY,)).digest(NAME) == BlindIndex((KEY,), purpose).digest(NAME)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            {"AUDIT_KEYS": [f"i1:{ENCODED}"]},
            ("7fce8e1f501617143eb216f704e61b5384120da8b1f4b46f96ad04a6db919b72", "i1"),
        ),
        (
            {"INDEX_KEYS": [f"i1:{ENCODED}"], "AUDIT_KEYS": None},
            ("2a3962aea960f1eb9568ff1724b7d1cfd058f8c9c8301575cbff70044cc605d6", "index:i1"),
        ),
    ],
    ids=["under AUDIT_KEYS", "under keys derived from INDEX_KEYS"],
)
def test_an_outcome_code_of_format_1_stays_what_it_is(
    names: dict[str, object], expected: tuple[str, str]
) -> None:
    record = Verification(
        id=UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
        user_id=7,
        status=Verification.Status.VERIFIED,
        method=Verification.Method.AUTHORIZE,
        merchant="default",
        token_digest="ab" * 32,
    )
    event = {"event": "exchange", "attempt": 1, "user_id": "7", "status": "verified"}
    event |= {"consent_id": None, "answer_digest": "cd" * 32, "openid_digest": ""}
    with override_settings(WX_REALNAME=test_settings.WX_REALNAME | names):
        digest = outcome.digests(record, event)[0]
    assert (digest.hex, digest.key_id) == expected


def test_the_first_key_writes_and_all_match() -> None:
    newer = BlindIndex((KEY, OLDER), "wx_realname.real_name")
    older = BlindIndex((OLDER,), "wx_realname.real_name")
    assert [digest.key_id for digest in newer.digests(NAME)] == ["i1", "i0"]
    assert newer.digest(NAME) == newer.digests(NAME)[0]
    assert older.digest(NAME) in newer.digests(NAME)


def test_digests_of_two_purposes_cannot_be_compared() -> None:
    purposes = ("wx_realname.real_name", "wx_realname.credential_id", "wx_realname.token_digest")
    assert len({BlindIndex((KEY,), purpose).digest(NUMBER).hex for purpose in purposes}) == 3


def test_a_digest_says_nothing_of_value_and_key() -> None:
    assert BlindIndex((KEY,), "p").digest(NUMBER) != BlindIndex((OLDER,), "p").digest(NUMBER)
    assert repr(KEY.material)[2:-1] not in repr(KEY) + repr(vars(BlindIndex((), "p")))


def test_the_index_of_a_purpose_is_made_once_and_anew_for_other_keys() -> None:
    assert blind_index((KEY,), "p") is blind_index((KEY,), "p")
    assert blind_index((KEY,), "p") is not blind_index((KEY, OLDER), "p")


DOTTED = "阿卜杜勒·买买提"


@each(
    "written",
    [
        *(f"阿卜杜勒{dot}买买提" for dot in "·•‧∙⋅・･.．。｡᛫●․"),
        "阿卜杜勒 · 买买提",
        " 阿卜杜勒·买买提 ",
        "阿卜杜勒\u3000·\xa0买买提",
    ],
)
def test_a_name_is_found_however_its_dot_and_blanks_are_written(written: str) -> None:
    assert name_form(written) == name_form(DOTTED) == DOTTED


@each(
    ("one", "other"),
    [
        ("Zhang San", "ＺＨＡＮＧ　ＳＡＮ"),
        ("ZHANG SAN", "zhangsan"),
        ("欧 阳 娜", NAME),
        ("\uf90a", "\u91d1"),  # a compatibility ideograph and its own
    ],
)
def test_a_name_is_found_in_full_width_and_any_case(one: str, other: str) -> None:
    assert name_form(one) == name_form(other)


@each("other", ["欧阳", "娜欧阳", "歐陽娜", "欧阳·娜", "阿卜杜勒买买提"])
def test_another_name_is_not_found(other: str) -> None:
    assert name_form(other) not in (name_form(NAME), name_form(DOTTED))


@hypothesis_settings(deadline=None)
@given(
    st.lists(st.text("欧阳娜𠮷䶮Ab", min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from("•‧・．。"),
    st.sampled_from(["", " ", "\u3000", "\t"]),
)
def test_every_name_has_one_form(parts: list[str], dot: str, blank: str) -> None:
    written = f"{blank}{dot}{blank}".join(blank.join(part) for part in parts)
    full_width = written.translate({ord("A"): "Ａ", ord("b"): "ｂ"})
    assert name_form(written) == name_form(full_width) == "·".join(parts).casefold()


def test_both_forms_of_a_number_are_found() -> None:
    assert number_form("130503670401001") == number_form("130503196704010016")


def test_a_number_is_found_with_a_lower_case_x() -> None:
    assert number_form("11010519491231002x") == number_form("11010519491231002X")


def test_another_number_is_not_found() -> None:
    assert number_form(NUMBER) != number_form(NUMBER[:-1] + "4")
