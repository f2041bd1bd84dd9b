"""Blind indexes and token digests of version 1. The hex was computed by hand with hashlib: when one
changes, no person or token of before is found again. (Outcome codes: test_audit.)"""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cases import each
from wx_realname.conf import HashKey
from wx_realname.vault.blind_index import BlindIndex, name_form, names, number_form, numbers

KEY = HashKey("i1", bytes(range(32)))
OLDER = HashKey("i0", b"\x07" * 32)
NAME, NUMBER = "欧阳娜", "440524198001010013"
TOKENS = BlindIndex((KEY,), "wx_realname.token_digest")


@each(
    ("index", "value", "expected"),
    [
        (
            names((KEY,)),
            NAME,
            "96f7e292738f778a61b66484cfde8d83624dc2ea5baba215f2b33d045f260707",
        ),
        (
            numbers((KEY,)),
            NUMBER,
            "8c2ea1aa4ab14a4f2a9e07145b2c629a62a746ddbca107f375fc99b96113b81c",
        ),
        (
            TOKENS,
            "an-auth-token",
            "4b607d3aea881aa702b4eaf27424102c7619f8df571ff403a8db249f9ee083e4",
        ),
    ],
)
def test_a_digest_of_version_1_stays_what_it_is(
    index: BlindIndex, value: str, expected: str
) -> None:
    digest = index.digest(value)
    assert (digest.hex, digest.key_id) == (expected, "i1")
    assert index.digest(value.encode()) == digest


def test_the_first_key_writes_and_all_match() -> None:
    newer = BlindIndex((KEY, OLDER), "wx_realname.real_name")
    older = BlindIndex((OLDER,), "wx_realname.real_name")
    assert [digest.key_id for digest in newer.digests(NAME)] == ["i1", "i0"]
    assert newer.digest(NAME) == newer.digests(NAME)[0]
    assert older.digest(NAME) in newer.digests(NAME)


def test_digests_of_two_purposes_cannot_be_compared() -> None:
    assert (
        len({index.digest(NUMBER).hex for index in (names((KEY,)), numbers((KEY,)), TOKENS)}) == 3
    )


def test_no_key_material_is_shown() -> None:
    assert repr(KEY.material)[2:-1] not in repr(KEY) + repr(vars(TOKENS))


DOTTED = "阿卜杜勒·买买提"


@each(
    ("name", "written"),
    [
        *((DOTTED, f"阿卜杜勒{dot}买买提") for dot in "·•‧∙⋅・･.．。｡᛫●․"),
        (DOTTED, "阿卜杜勒 · 买买提"),
        (DOTTED, " 阿卜杜勒·买买提 "),
        (DOTTED, "阿卜杜勒\u3000·\xa0买买提"),
        (NAME, "欧 阳 娜"),
        ("zhangsan", "ＺＨＡＮＧ　ＳＡＮ"),
        ("zhangsan", "Zhang San"),
        ("\u91d1", "\uf90a"),  # an ideograph, and its compatibility form
    ],
)
def test_a_name_is_found_however_its_dot_blanks_width_and_case_are_written(
    name: str, written: str
) -> None:
    assert name_form(written) == name_form(name) == name


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


@each(
    ("one", "other", "same"),
    [
        ("130503670401001", "130503196704010016", True),
        ("11010519491231002x", "11010519491231002X", True),
        (NUMBER, NUMBER[:-1] + "4", False),
    ],
)
def test_a_number_is_found_in_either_form_and_case_and_no_other_is(
    one: str, other: str, same: bool
) -> None:
    assert (number_form(one) == number_form(other)) == same
