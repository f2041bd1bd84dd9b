"""The Chinese of the interface, the docs, the README and the mini-program: one word for one thing."""

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
    "填写理由|查看理由|导出理由|删除理由|操作理由|事由说明": "事由",
    "当事者|被查人|被查询人|被核验人|查询对象": "当事人",
    "审计轨迹|审计追踪|审计踪迹|审计跟踪|操作日志": "审计日志",
    "你": "您",
}
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


def test_a_slip_is_found_wherever_users_read_chinese() -> None:
    assert slips("请你填写理由") == [("填写理由", "事由"), ("你", "您")]
    read = {place.partition(":")[0] for place, _ in chinese_texts()}
    assert {"README.zh-CN.md", "docs/zh/admin.md", "docs/words.py"} <= read
    assert {"example_project/miniprogram/i18n.js"} <= read
    assert len([place for place in read if place.endswith("django.po")]) == 2
