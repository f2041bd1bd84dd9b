"""What may be shown: the name's last character, the number's first and last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cases import each
from wx_realname.masking import mask_credential_id, mask_name


@each(
    ("real_name", "masked"),
    [
        ("张三", "*三"),
        ("欧阳娜", "**娜"),
        ("丁", "*"),
        ("𠮷田", "*田"),  # beyond the Basic Multilingual Plane: one character all the same
        ("王𬭼", "*𬭼"),
        ("阿卜杜勒·买买提", "*******提"),
        ("*", "*"),
    ],
)
def test_only_the_last_character_of_a_name_is_shown(real_name: str, masked: str) -> None:
    assert mask_name(real_name) == masked


@hypothesis_settings(deadline=None)
@given(st.text("甲乙丙丁·娜𠮷", min_size=2, max_size=200))
def test_a_masked_name_keeps_its_length_and_nothing_else(real_name: str) -> None:
    assert mask_name(real_name) == "*" * (len(real_name) - 1) + real_name[-1]


@hypothesis_settings(deadline=None)
@given(st.from_regex(r"[0-9]{17}[0-9X]|[0-9]{15}", fullmatch=True))
def test_a_masked_number_keeps_its_length_and_hides_the_birth_date(credential_id: str) -> None:
    masked = mask_credential_id(credential_id)
    assert masked == credential_id[0] + "*" * (len(credential_id) - 2) + credential_id[-1]
