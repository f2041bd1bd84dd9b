"""The simulator's texts: all are in Chinese, what is compiled is what was written, and none is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

import example_project
from example_project.simulator.texts import OUTCOMES, TEXTS
from tests.cases import each
from tests.test_translations import PLACEHOLDER, WESTERN_PUNCTUATION, texts
from wx_realname.exceptions import BY_CODE

pytestmark = pytest.mark.once
SITE = Path(example_project.__file__).parent
CATALOGUE = SITE / "locale" / "zh_Hans" / "LC_MESSAGES"
SCRIPTS = SITE / "static" / "simulator"
PO = polib.pofile(str(CATALOGUE / "django.po"))
MO = polib.mofile(str(CATALOGUE / "django.mo"))

IN_A_TEMPLATE = re.compile(r"""{% translate (?:"([^"]+)"|'([^']+)')|=_\("([^"]+)"\)""")
STEPS = {"retry", "reauthorize", "edit", "restart"}  # screens.js asks for words(failure.next)
STATES = {"waiting", "under-way", "done", "failed"}  # wire_panel.js for words(state)
CAMERA = {"look", "blink", "hold"}  # camera.js for words(STEPS[step])
MISHAPS = {"not-sent", "answer-lost", "sent-twice", "not-agreed", "no-sandbox"}


def used_texts() -> Iterator[str]:
    for template in SITE.rglob("templates/**/*.html"):
        for found in IN_A_TEMPLATE.findall(template.read_text(encoding="utf-8")):
            yield from filter(None, found)
    for module in SITE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                yield ast.literal_eval(node.args[0])


def test_the_compiled_catalogue_holds_exactly_what_the_written_one_holds() -> None:
    assert texts(MO) == texts(PO), "run: make messages"
    assert MO.metadata == PO.metadata, "run: make messages"


def test_every_text_is_in_the_catalogue_and_every_text_there_is_used() -> None:
    assert set(used_texts()) == {entry.msgid for entry in PO}


@each("entry", PO)
def test_every_text_is_translated_whole(entry: polib.POEntry) -> None:
    assert entry.msgstr.strip() and not entry.fuzzy
    assert sorted(PLACEHOLDER.findall(entry.msgstr)) == sorted(PLACEHOLDER.findall(entry.msgid))
    assert not WESTERN_PUNCTUATION.search(re.sub(r"{\w+}", "", entry.msgstr))


def test_the_scripts_know_every_text_that_they_say_and_say_every_one() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.js"))
    said = set(re.findall(r"""words\(\s*"([\w-]+)\"""", scripts))
    assert said | STEPS | STATES | MISHAPS | CAMERA == set(TEXTS)


def test_every_error_of_an_exchange_and_a_check_has_its_words() -> None:
    """The rest (a wrong method, say) isn't the citizen's; it gets the words of `other`."""
    ends = {code for code, error in BY_CODE.items() if error.outcome or error.retry != "no"}
    assert ends | {"invalid"} <= set(OUTCOMES)  # a check's form may be filled in wrongly


def test_every_script_says_that_it_is_checked() -> None:
    for script in SCRIPTS.glob("*.js"):
        assert script.read_text(encoding="utf-8").startswith("// @ts-check\n"), script.name
