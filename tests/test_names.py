"""Names as people type them: one form, before anything is compared or sent."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

from tests.cases import each
from wx_realname import names, resident_id
from wx_realname.vault.blind_index import name_form
from wx_realname.wechat import answers

ROOT = Path(__file__).resolve().parent.parent

DOTS = "•・･‧.．●∙⋅\u0387ꞏ⸱․﹒。˙◦⦁⸳⚫⬤"
DOTTED = "阿卜杜拉·买买提"


def test_only_one_dot_stands_in_a_name() -> None:
    several = ["...", "· ·", "·.", "•·•"]
    for dots in [*DOTS, *(f" {dot} " for dot in DOTS), *(2 * dot for dot in DOTS), *several]:
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
        ("张三。", "张三"),
        ("・ 阿依 ．", "阿依"),
        ("\u2ee2\u2ed3\u2ee9\u2ef0", "马长黄龙"),  # of the CJK supplement, which NFKC doesn't fold
        ("\u2e81\u2eca", "\u2e81\u2eca"),  # which GBK has
        ("\uf979", "\uf979"),  # a compatibility ideograph of GBK
        ("\u8fbb\U000e0101三\ufe00\u3164", "\u8fbb三"),
        ("𠮷 野", "𠮷野"),
        ("", ""),
        (" · ", ""),
    ],
)
def test_width_and_blanks(typed: str, sent: str) -> None:
    assert names.normalize(typed) == sent
    assert names.normalize(sent) == sent


#: Of GB 18030-2022: the two-byte code, and its code point; in the edition of 2000 (but for A8BC, in that
#: of 2005 too) it was one of private use.
GB18030_2022 = """
    A6D9 FE10  A6DA FE12  A6DB FE11  A6DC FE13  A6DD FE14  A6DE FE15  A6DF FE16  A6EC FE17  A6ED FE18
    A6F3 FE19  A8BC 1E3F  FE59 9FB4  FE61 9FB5  FE66 9FB6  FE67 9FB7  FE6D 9FB8  FE7E 9FB9  FE90 9FBA
    FEA0 9FBB
"""


def test_every_moved_code_of_gb18030_2022_has_its_place_in_unicode() -> None:
    codes = [int(digits, 16) for digits in GB18030_2022.split()]
    moved = {code: chr(now) for code, now in zip(codes[::2], codes[1::2], strict=True)}
    assert moved == names.MOVED and len(moved) == 19
    for code, now in moved.items():
        decoded = code.to_bytes(2, "big").decode("gb18030")  # Python's codec is that of 2000
        assert unicodedata.category(decoded) == "Co", hex(code)
        assert names.fold_private_use(decoded) == names.normalize(decoded) == now


def test_no_character_of_a_gbk_input_method_stays_in_private_use() -> None:
    for code in [0xE7C7, 0xE7C8, *range(0xE815, 0xE865)]:
        folded = names.normalize(chr(code))
        assert len(folded) == 1 and unicodedata.category(folded) != "Co", hex(code)
    assert names.normalize("\ue863") == "\u4dae"  # the last but one of row FE
    assert names.normalize("\ue001") == "\ue001"  # some names have no other code


def test_what_is_no_name_is_not_plausible() -> None:
    signs = ["\x7f", "\u0378", "\x85", "\u2e9a", "\ufa6e"]
    for junk in ("", "$", "12", "·", "\ud800三", "\U0002fffe", *(f"张{sign}" for sign in signs)):
        assert not names.is_plausible(junk), ascii(junk)


def test_rare_and_foreign_names_are_plausible() -> None:
    rare = [DOTTED, "张三", "䶮", "𠮷", "\U000323af", "\ue001", "㛃", "张?", "⿰牛乍", "!Gawaxab"]
    foreign = ["Nguyễn Văn A", "О. Петров", "O'Brien-Smith, Jr.", "Karim o`g`li", "Carl C:son Berg"]
    for name in [*rare, *foreign, "Ramasamy S/O Perumal"]:
        assert names.is_plausible(name), ascii(name)


SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩邓冯曹彭曾肖田董袁潘于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝"
    "龚邵万钱严覃武戴莫孔向汤"
)
GIVEN_CHARACTERS = "伟芳娜敏静丽强磊军洋勇艳杰娟涛超明霞平刚"
GIVEN_PAIRS = "秀英桂英秀兰玉兰建华建国志强国强子轩梓涵浩然欣怡宇轩雨桐一诺佳怡俊杰小红晓东海燕"
GIVEN = [*GIVEN_CHARACTERS, *(GIVEN_PAIRS[at : at + 2] for at in range(0, len(GIVEN_PAIRS), 2))]
RARE_SURNAMES = "仉亓仝佴佟侴俸冼刁厍呼召咎哈啜啸妘姒宓尉岑嵇巫幸庹廉弋忻戢戴揭撒攴敖斛昝"
DOTTED_NAMES = ("买买提·吐尔逊", "古丽巴哈尔·阿不都热依木", "扎西·次仁", "巴图·额尔敦·朝鲁")
LATIN_NAMES = (
    "José María O’Neill",
    "Łukasz Żółć",
    "Nguyễn Thị Ánh",
    "Ann-Sophie D'Arcy",
    "SMITH, JO",
)
#: Extensions B to H.
BEYOND_THE_BMP = (0x20000, 0x2A700, 0x2B740, 0x2B820, 0x2CEB0, 0x30000, 0x31350)
PRIVATE_USE = range(0xE000, 0xE050)


def rare_names() -> list[str]:
    beyond = [f"王{chr(first + step)}" for first in BEYOND_THE_BMP for step in range(0, 64, 6)]
    private = [f"李{chr(code)}" for code in PRIVATE_USE]
    surnames = [f"{surname}文" for surname in RARE_SURNAMES]
    return [*beyond, *private, *surnames, *DOTTED_NAMES, *LATIN_NAMES]


def test_none_of_the_commonest_and_of_rare_names_is_refused() -> None:
    common = [surname + given for surname in SURNAMES for given in GIVEN]
    assert len(set(common)) == 4_000
    assert len(set(rare_names())) >= 200
    for name in [*common, *rare_names()]:
        encoded = name.encode("gb18030")
        assert answers._name(encoded) == names.fold_private_use(name), ascii(name)
        assert names.is_plausible(names.normalize(name)), ascii(name)


def test_the_docs_have_the_measured_share_of_junk_that_passes_for_a_name() -> None:
    """A sign that no name has isn't refused: of the 48 that would leave 31, and a real name may have any."""
    dice = random.Random(14)
    junk = (dice.randbytes(dice.randint(1, 245)) for _ in range(4_000))  # as a wrong key leaves it
    passed = sum(bool(answers._name(text)) for text in junk)
    english, chinese = ((ROOT / f"docs/{it}/security.md").read_text() for it in ("en", "zh"))
    assert f"Of 4,000 random byte strings of 1 to 245 bytes {passed} pass for a name" in english
    assert f"4,000 个 1 至 245 字节的随机串中有 {passed} 个可被当作姓名" in chinese


def test_one_person_is_found_however_the_name_is_typed() -> None:
    assert name_form("阿卜杜拉 ● 买买提\u200b") == name_form(DOTTED)


def test_a_number_is_taken_as_it_was_pasted() -> None:
    number = "440524198001010013"
    wide = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    parted = f"{number[:6]}\u3000{number[6:]}"
    for typed in (wide, " 440524 19800101 0013 ", f"\ufeff{number}", parted):
        assert resident_id.normalize(typed) == number
    assert resident_id.normalize("11010519491231002ｘ") == "11010519491231002X"
