"""The words that users read: in Chinese one word for one thing, in English plain ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parent.parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")

#: What is not written, and what is written instead.
GLOSSARY = {
    "核实|实名验证|身份验证|验证身份|实名查验|实名校验": "核验",
    "填写理由|查看理由|导出理由|删除理由|操作理由|事由说明|填写原因|行为及原因": "事由",
    "当事者|被查人|被查询人|被核验人|查询对象|查找人员": "当事人",
    "审计轨迹|审计追踪|审计踪迹|审计跟踪|操作日志|轨迹": "审计日志",
    "人脸核验": "人脸核身",
    "信息核验|信息校验(?!接口|”)": "信息核对",
    "结果不明": "结果未知",
    "过滤条件|过滤器": "筛选条件",
    "请稍候再试": "请稍后再试",
    "你": "您",
}
#: Riddles, personification, and clauses as subjects.
NOT_PLAIN = re.compile(
    r"\brightly\b|\btells?\b|\btold\b|\bof ours\b|\bWrite no\b|\bgo for good\b|\bsaid no\b"
    r"|(?:^|[.:] )(?:Who(?:ever)?|Nobody knows) (?!asked|acts|looked|can|process|released)"
)
PROSE = [
    ROOT / "README.zh-CN.md",
    ROOT / "docs/words.py",
    *(ROOT / "docs/zh").glob("*.md"),
    *(
        path
        for kind in ("js", "json", "wxml", "md", "html", "py")
        for path in (ROOT / "example_project").rglob(f"*.{kind}")
        if not {"node_modules", "test"} & set(path.parts)
    ),
]


def chinese_texts() -> Iterator[tuple[str, str]]:
    """Each text, and where it stands."""
    for path in sorted(ROOT.glob("*/locale/zh_Hans/LC_MESSAGES/django.po")):
        for entry in polib.pofile(str(path)):
            for text in (entry.msgstr, *entry.msgstr_plural.values()):
                yield f"{path.relative_to(ROOT)}:{entry.linenum}", text
    for path in PROSE:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if CHINESE.search(line):
                yield f"{path.relative_to(ROOT)}:{number}", line


def slips(text: str) -> list[tuple[str, str]]:
    """What the text says, and what it should."""
    return [(said, right) for wrong, right in GLOSSARY.items() for said in re.findall(wrong, text)]


def test_one_chinese_word_stands_for_one_thing() -> None:
    found = [
        f"{place}: “{said}” should be “{right}”"
        for place, text in chinese_texts()
        for said, right in slips(text)
    ]
    assert not found, "\n".join(found)


def english_texts() -> Iterator[tuple[str, str]]:
    """The package's messages and templates: a msgid is what stands in them."""
    path = ROOT / "wx_realname/locale/zh_Hans/LC_MESSAGES/django.po"
    for entry in polib.pofile(str(path)):
        for text in (entry.msgid, entry.msgid_plural):
            yield str(entry.linenum), text


def test_english_texts_are_plain() -> None:
    found = [
        f"{place}: “{slip[0]}” in {text}"
        for place, text in english_texts()
        if (slip := NOT_PLAIN.search(text))
    ]
    assert not found, "\n".join(found)
    assert NOT_PLAIN.search("It is not set up rightly. Who tries is refused.")


def test_a_slip_is_found_wherever_users_read_chinese() -> None:
    assert slips("请你填写理由") == [("填写理由", "事由"), ("你", "您")]
    read = {place.partition(":")[0] for place, _ in chinese_texts()}
    assert {"README.zh-CN.md", "docs/zh/admin.md", "docs/words.py"} <= read
    assert {"example_project/miniprogram/i18n.js"} <= read
    assert len([place for place in read if place.endswith("django.po")]) == 2
