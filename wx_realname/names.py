"""Normalizes a typed name to the form that is compared and sent, and checks whether it is plausible.

The dot of a name is U+00B7 alone (民委发〔2016〕33号). Private-use code points of GBK are those that
GB 18030-2022 gave a place in Unicode (18 two-byte codes, and A8BC since GB 18030-2005), and the
characters that GBK input methods write at U+E815 to U+E864 (GB/T 22321.1-2018).
"""

from __future__ import annotations

import re
import unicodedata

MIDDLE_DOT = "\u00b7"

#: Bullet, katakana middle dots, hyphenation point, operators, full stops, black circle; then the Greek, the
#: sinological and the word-separating dot, the one dot leader, the small full stop; the dot above, white
#: bullet, Z notation spot, raised dot, medium and large black circle.
_DOTS = (
    "\u2022\u30fb\uff65\u2027\u2219\u22c5\u16eb\uff0e\uff61\u3002\u25cf\u0387\ua78f\u2e31\u2024\ufe52"
    "\u02d9\u25e6\u2981\u2e33\u26ab\u2b24"
)
#: Invisible without being format characters: variation selectors, the grapheme joiner, Hangul fillers.
_INVISIBLE = (
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
    *(0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0),
)

#: Two-byte codes of GB 18030 whose characters left private use, by code (GB 18030-2022, annex D).
MOVED = {
    0xA6D9: "\ufe10",
    0xA6DA: "\ufe12",
    0xA6DB: "\ufe11",
    0xA6DC: "\ufe13",
    0xA6DD: "\ufe14",
    0xA6DE: "\ufe15",
    0xA6DF: "\ufe16",
    0xA6EC: "\ufe17",
    0xA6ED: "\ufe18",
    0xA6F3: "\ufe19",
    0xA8BC: "\u1e3f",
    0xFE59: "\u9fb4",
    0xFE61: "\u9fb5",
    0xFE66: "\u9fb6",
    0xFE67: "\u9fb7",
    0xFE6D: "\u9fb8",
    0xFE7E: "\u9fb9",
    0xFE90: "\u9fba",
    0xFEA0: "\u9fbb",
}
#: Codes whose glyphs duplicate a character of the supplementary ideographic plane.
_DUPLICATES = {
    0xFE51: "\U00020087",
    0xFE52: "\U00020089",
    0xFE53: "\U000200cc",
    0xFE6C: "\U000215d7",
    0xFE76: "\U0002298f",
    0xFE91: "\U000241fe",
}


def _private_use() -> dict[int, str]:
    """The character by the private-use code point that GBK software has in its place."""
    table = {ord(_decode(code)): character for code, character in (MOVED | _DUPLICATES).items()}
    rows = (code for code in range(0xFE50, 0xFEA1) if code != 0xFE7F)  # 7F is no second byte
    for private, code in enumerate(rows, start=0xE815):
        table.setdefault(private, _decode(code))
    table[0xE7C8] = "\u01f9"  # A8BF
    return table


def _decode(code: int) -> str:
    """By Python's codec, which has the mappings of the year 2000."""
    return code.to_bytes(2, "big").decode("gb18030")


_PRIVATE_USE = _private_use()
_FULL_WIDTH = {
    0xFF00 + ascii_ - 0x20: chr(ascii_) for ascii_ in range(0x21, 0x7F) if chr(ascii_).isalnum()
}
#: A copy from a PDF file brings Kangxi radicals. Compatibility ideographs stay: GBK has some of them.
_RADICALS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
#: And radicals of the CJK supplement in place of whole characters (Unicode's EquivalentUnifiedIdeograph.txt;
#: NFKC folds two of them). Those that GBK has stay.
_SUPPLEMENT = dict(
    zip(
        "⺟⺠⺩⺬⺼⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        "母民王示肉西见角贝车長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
        strict=True,
    )
)
_FOLDED = str.maketrans(
    {
        **_PRIVATE_USE,
        **_FULL_WIDTH,
        **_RADICALS,
        **_SUPPLEMENT,
        **dict.fromkeys(_INVISIBLE),
        **dict.fromkeys(map(ord, _DOTS), MIDDLE_DOT),
        0x3000: " ",
    }
)
_HAN = (
    "\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff"
    "\ue000-\uf8ff\uf900-\ufaff\U00020000-\U0003fffd"
)
#: A full stop that isn't an abbreviation's: beside a Chinese character.
_STOP = re.compile(rf"(?<=[{_HAN}])\s*\.+|\.+\s*(?=[{_HAN}])")
_SEVERAL_DOTS = re.compile(rf"{MIDDLE_DOT}(\s*{MIDDLE_DOT})+")
_BLANKS_BETWEEN = re.compile(
    rf"(?<=[{_HAN}])\s+(?=[{_HAN}])|\s*{MIDDLE_DOT}\s*(?=[{_HAN}])|(?<=[{_HAN}])\s*{MIDDLE_DOT}\s*"
)
_IDEOGRAPH = re.compile(f"[{_HAN}]")
#: Where later versions of Unicode add ideographs. Gaps between radicals and compatibility forms stay empty.
_MAY_BE_NEW = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fffd\U00030000-\U0003fffd]")


def fold_private_use(name: str) -> str:
    """The name with GBK's private-use characters at their places in Unicode."""
    return name.translate(_PRIVATE_USE)


def normalize(name: str) -> str:
    """The name as it is compared and sent: one dot U+00B7 in a place, nothing invisible, no stray blanks.

    Full-width digits and letters and radicals are folded; blanks and dots at the ends, and blanks between
    Chinese characters are dropped, other blanks become one space. Never raises; what is no name stays none.
    """
    kept = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    folded = _STOP.sub(MIDDLE_DOT, kept.translate(_FOLDED).strip())
    dotted = _SEVERAL_DOTS.sub(MIDDLE_DOT, folded)
    closed = _BLANKS_BETWEEN.sub(lambda found: found[0].strip(), dotted)
    return re.sub(r"\s+", " ", closed).strip(f" {MIDDLE_DOT}")


def is_plausible(name: str) -> bool:
    """Whether this can be a name: no control, surrogate or unassigned character, and a letter at least.

    Private use counts as a letter: some names have no other code. So does every code of the ideographic
    planes: an older Python doesn't know the newest characters.
    """
    kinds = [_kind(sign) for sign in name]
    return not {"Cc", "Cs", "Cn"} & set(kinds) and any(
        kind[0] == "L" or kind == "Co" for kind in kinds
    )


def _kind(sign: str) -> str:
    kind = unicodedata.category(sign)
    is_letter = _IDEOGRAPH.match(sign) and (kind != "Cn" or _MAY_BE_NEW.match(sign))
    return "Lo" if is_letter else kind
