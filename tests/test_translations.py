"""Every text that users meet is there in Chinese, and what is compiled is what was written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils import translation

import wx_realname
from tests.cases import each
from wx_realname.exceptions import BY_CODE, RealNameError
from wx_realname.wechat.errcodes import ERRCODES, ErrCode

pytestmark = pytest.mark.once
PACKAGE = Path(wx_realname.__file__).parent
CATALOGUE = PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES"

PO = polib.pofile(str(CATALOGUE / "django.po"))
MO = polib.mofile(str(CATALOGUE / "django.mo"))

#: How many of its arguments are texts.
MARKERS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2}

CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
#: A comma, semicolon, colon, bracket, question or exclamation mark of ASCII beside Chinese text.
WESTERN_PUNCTUATION = re.compile(
    r"[\u4e00-\u9fff\u201d][,;:()?!]|[,;:()?!][\u4e00-\u9fff\u201c]|[\u4e00-\u9fff]\.(?!\w)"
)
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa%]|\{[\w.!:]*\}")


def marked_texts() -> Iterator[str]:
    """The texts of the package that are marked for translation, as Python joins them."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in MARKERS:
                for text in node.args[: MARKERS[_name(node.func)]]:
                    if isinstance(text, ast.Constant) and isinstance(text.value, str):
                        yield text.value


TAG = re.compile(
    r'{% translate "([^"]+)"'
    r"|{% blocktranslate trimmed[^%]*%}(.*?)(?:{% plural %}(.*?))?{% endblocktranslate %}",
    re.DOTALL,
)


def template_texts() -> Iterator[str]:
    """The texts of the templates, as Django's tags look them up."""
    for path in PACKAGE.rglob("templates/**/*.html"):
        text = path.read_text(encoding="utf-8")
        assert len(TAG.findall(text)) == len(re.findall("{% (?:block)?translate ", text)), path
        for found in TAG.findall(text):
            yield from (re.sub(r"{{ (\w+) }}", r"%(\1)s", part.strip()) for part in found if part)


def _name(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):  # translation.gettext(…)
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def translations(entry: polib.POEntry) -> list[str]:
    """One, or one for each plural form: Chinese has a single one."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def texts(catalogue: polib.POFile | polib.MOFile) -> dict[tuple[str | None, str], list[str]]:
    return {(entry.msgctxt, entry.msgid): translations(entry) for entry in catalogue}


def detail_in(language: str, error: type[RealNameError]) -> str:
    with translation.override(language):
        return str(error.words)


def test_the_compiled_catalogue_holds_exactly_what_the_written_one_holds() -> None:
    assert texts(MO) == texts(PO), "run: make messages"
    assert MO.metadata == PO.metadata, "run: make messages"


def test_no_text_is_fuzzy_obsolete_or_there_twice() -> None:
    assert not PO.fuzzy_entries()
    assert not PO.obsolete_entries()
    assert len(texts(PO)) == len(PO)


def test_the_catalogue_has_every_text_that_is_marked_and_no_other() -> None:
    assert {*marked_texts(), *template_texts()} == {
        text for entry in PO for text in (entry.msgid, entry.msgid_plural) if text
    }


@each("entry", PO)
def test_every_text_has_a_translation_with_the_same_placeholders(entry: polib.POEntry) -> None:
    for translated in translations(entry):
        assert translated.strip()
        assert sorted(PLACEHOLDER.findall(translated)) == sorted(PLACEHOLDER.findall(entry.msgid))


@each("entry", PO)
def test_chinese_text_has_chinese_punctuation(entry: polib.POEntry) -> None:
    assert not any(WESTERN_PUNCTUATION.search(translated) for translated in translations(entry))


@each("error", BY_CODE.values())
def test_every_error_is_told_in_chinese_and_in_english(error: type[RealNameError]) -> None:
    assert CHINESE.search(detail_in("zh-hans", error))
    detail = detail_in("en", error)
    assert re.search("[A-Za-z]", detail)
    assert re.sub("[“”‘’]", "", detail).isascii()


@each("row", ERRCODES)
def test_every_return_code_is_explained_in_chinese(row: ErrCode) -> None:
    assert CHINESE.search(row.meaning_zh)
    assert CHINESE.search(row.remedy_zh)
