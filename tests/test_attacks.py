"""The pages' tables of attacks have every attack that the tests play; SECURITY.md's promises have tests."""

from __future__ import annotations

import re
from itertools import takewhile

import pytest

from tests import test_audit_attacks
from tests.attacks import (
    ATTACKS,
    FILES,
    HEADS,
    OTHERS,
    PAGES,
    PLAYED_BY,
    ROOT,
    Tally,
    rewritten,
    table,
)


def rows(language: str) -> list[tuple[str, ...]]:
    lines = PAGES[language].read_text().splitlines()
    begin = lines.index(HEADS[language]) + 2
    ours = takewhile(lambda line: line.startswith("|"), lines[begin:])
    return [tuple(re.findall(r"[^|]+", line.replace(" | ", "|").strip("| "))) for line in ours]


def test_every_test_of_the_attacks_is_an_attacks_or_named_as_none() -> None:
    tests = {name for name in vars(test_audit_attacks) if name.startswith("test_")}
    known = {name for name in PLAYED_BY if hasattr(test_audit_attacks, name)}
    assert tests == known | set(OTHERS)
    defined = "".join((ROOT / file).read_text() for file in FILES)
    assert [name for name in PLAYED_BY if f"def {name}(" not in defined] == []


@pytest.mark.parametrize("language", PAGES)
def test_a_page_has_every_attack_and_none_succeeded(language: str) -> None:
    """Made by `python -m tests.attacks`."""
    said = rows(language)
    assert [what for what, _tries, _won in said] == [
        a[0 if language == "en" else 1] for a in ATTACKS
    ]
    assert all(int(tries) > 0 and int(won) == 0 for _what, tries, won in said)
    assert [line[1:] for line in said] == [line[1:] for line in rows("en")]


def test_a_run_writes_what_it_counted() -> None:
    tally = Tally()
    tally.tries[ATTACKS[0][0]], tally.succeeded[ATTACKS[0][0]] = 7, 1
    page = f"before\n\n{HEADS['en']}\n|---|---|---|\n| old | 1 | 0 |\n\nafter\n"
    written = rewritten(page, "en", table("en", tally))
    assert f"| {ATTACKS[0][0]} | 7 | 1 |" in written and "| old |" not in written
    assert written.startswith("before\n") and written.endswith("\n\nafter\n")


def test_every_promise_of_security_md_names_tests_that_are_there() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    sections = ("What is in scope", "What the keys protect, and what they don't")
    for section in sections:
        body = text.split(f"## {section}\n")[1].split("\n## ")[0].split("\nOut of scope")[0]
        promises = body.split("\n- ")[1:]
        assert len(promises) >= 6
        for promise in promises:
            named = re.findall(r"`(test_\w+)`", promise)
            assert named and all((ROOT / f"tests/{name}.py").exists() for name in named), promise
