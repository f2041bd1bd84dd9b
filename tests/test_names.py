"""Names as people type them: one form, before anything is compared or sent."""

from __future__ import annotations

import unicodedata

from tests.cases import each
from wx_realname import names, resident_id
from wx_realname.vault.blind_index import name_form

DOTS = "•・･‧.．●∙⋅\u0387ꞏ⸱․﹒。˙◦⦁⸳⚫⬤"
DOTTED = "阿卜杜拉·买买提"


def test_only_one_dot_stands_in_a_name() -> None:
    for dot in DOTS:
        assert names.normalize(f"阿卜杜拉{dot}买买提") == DOTTED, hex(ord(dot))
        assert names.normalize(f"阿卜杜拉 {dot} 买买提") == DOTTED, hex(ord(dot))


def test_several_dots_in_one_place_are_one() -> None:
    for dots in [*(2 * dot for dot in DOTS), "...", "· ·", "·.", "•·•"]:
        assert names.normalize(f"阿卜杜拉{dots}买买提") == DOTTED, ascii(dots)


def test_the_stop_of_a_latin_abbreviation_stays() -> None:
    assert names.normalize(" John  Q. Public ") == "John Q. Public"


def test_what_a_paste_brings_along_is_dropped() -> None:
    signs = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
    assert "\u200b" in signs and "\ufeff" in signs
    assert names.normalize("".join(f"{sign}欧阳" for sign in signs)) == "欧阳" * len(signs)


@each(
    ("typed", "sent"),
    [
        ("　张 三 ", "张三"),
        ("欧阳\u3000娜\t娜", "欧阳娜娜"),
        ("ＪＯＨＮ　ｄｏｅ９", "JOHN doe9"),
        ("張三", "張三"),
        ("\u2f42\u2f29", "文小"),  # Kangxi radicals
        ("\uf979", "\uf979"),  # a compatibility ideograph of GBK
        ("\u8fbb\U000e0101三\ufe00\u3164", "\u8fbb三"),
        ("𠮷 野", "𠮷野"),
        ("", ""),
        (" · ", "·"),
    ],
)
def test_width_and_blanks(typed: str, sent: str) -> None:
    assert names.normalize(typed) == sent
    assert names.normalize(sent) == sent


#: Of GB 18030-2022: the two-byte code, its code point in the edition of 2000 (but for A8BC, in that of 2005
#: too), and its code point now.
GB18030_2022 = [
    (0xA6D9, 0xE78D, 0xFE10),
    (0xA6DA, 0xE78E, 0xFE12),
    (0xA6DB, 0xE78F, 0xFE11),
    (0xA6DC, 0xE790, 0xFE13),
    (0xA6DD, 0xE791, 0xFE14),
    (0xA6DE, 0xE792, 0xFE15),
    (0xA6DF, 0xE793, 0xFE16),
    (0xA6EC, 0xE794, 0xFE17),
    (0xA6ED, 0xE795, 0xFE18),
    (0xA6F3, 0xE796, 0xFE19),
    (0xA8BC, 0xE7C7, 0x1E3F),
    (0xFE59, 0xE81E, 0x9FB4),
    (0xFE61, 0xE826, 0x9FB5),
    (0xFE66, 0xE82B, 0x9FB6),
    (0xFE67, 0xE82C, 0x9FB7),
    (0xFE6D, 0xE832, 0x9FB8),
    (0xFE7E, 0xE843, 0x9FB9),
    (0xFE90, 0xE854, 0x9FBA),
    (0xFEA0, 0xE864, 0x9FBB),
]


def test_every_moved_code_of_gb18030_2022_has_its_place_in_unicode() -> None:
    assert {code: chr(now) for code, _, now in GB18030_2022} == names.MOVED
    assert len(GB18030_2022) == 19
    for code, before, now in GB18030_2022:
        decoded = code.to_bytes(2, "big").decode("gb18030")
        assert decoded == chr(before), hex(code)  # Python's codec is that of 2000
        assert names.fold_private_use(decoded) == names.normalize(decoded) == chr(now)


def test_no_character_of_a_gbk_input_method_stays_in_private_use() -> None:
    for code in [0xE7C7, 0xE7C8, *range(0xE815, 0xE865)]:
        folded = names.normalize(chr(code))
        assert len(folded) == 1 and unicodedata.category(folded) != "Co", hex(code)
    assert names.normalize("\ue863") == "\u4dae"  # the last but one of row FE
    assert names.normalize("\ue001") == "\ue001"  # some names have no other code


def test_what_is_no_name_is_not_plausible() -> None:
    for junk in ("", "$", "12", "·", "张\x7f", "张\u0378", "\ud800三", "张\x85"):
        assert not names.is_plausible(junk), ascii(junk)


def test_rare_and_foreign_names_are_plausible() -> None:
    for name in (
        "张三",
        "䶮",
        "𠮷",
        "\U000323af",
        "\ue001",
        DOTTED,
        "Nguyễn Văn A",
        "О. Петров",
        "㛃",
    ):
        assert names.is_plausible(name), ascii(name)


def test_one_person_is_found_however_the_name_is_typed() -> None:
    for typed in ("阿卜杜拉•买买提", "阿卜杜拉 ● 买买提", "阿卜杜拉．买买提\u200b"):
        assert name_form(typed) == name_form(DOTTED)


def test_a_number_is_taken_as_it_was_pasted() -> None:
    number = "440524198001010013"
    wide = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    parted = f"{number[:6]}\u3000{number[6:]}"
    for typed in (wide, " 440524 19800101 0013 ", f"\ufeff{number}", parted):
        assert resident_id.normalize(typed) == number
    assert resident_id.normalize("11010519491231002ｘ") == "11010519491231002X"
