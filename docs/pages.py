"""The parts of the pages that come from elsewhere: tables from the code, code from docs/examples.

They are committed, so that a page is whole wherever it is read; `make pages` writes them, a test compares. A
part stands between two comments:

    <!-- from the code: errors -->  or  <!-- from examples/login.py: view -->
    …
    <!-- end -->
"""

from __future__ import annotations

import re
from pathlib import Path

from docs import tables

DOCS = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
PART = re.compile(
    r"^<!-- from (.+?)(?:: (\w+))? -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL
)
#: The way to the same page in the other language; the built docs have a menu instead.
TWIN = re.compile(r"\A\[(?:English|简体中文)\]\(\.\./\w\w/[\w-]+\.md\)\n\n")


def pages() -> list[Path]:
    return sorted(page for language in LANGUAGES for page in (DOCS / language).glob("*.md"))


def written(page: Path) -> str:
    """The page's text, with each of its parts as it is now."""
    language, text = page.parent.name, page.read_text(encoding="utf-8")
    parts = PART.sub(lambda part: _part(language, part[1], part[2]), text)
    return _twin(language, page.name) + TWIN.sub("", parts)


def _part(language: str, source: str, name: str | None) -> str:
    said = f"{source}: {name}" if name else source
    made = tables.TABLES[name](language) if source == "the code" and name else _code(source, name)
    return f"<!-- from {said} -->\n\n{made}\n\n<!-- end -->"


def _code(source: str, name: str | None) -> str:
    """A file of docs/examples, or what stands in it between `# [name]` and `# [end]`."""
    code = (DOCS / source).read_text(encoding="utf-8")
    if name:
        code = code.partition(f"# [{name}]\n")[2].partition("# [end]\n")[0]
    return f"```python\n{code.strip()}\n```"


def _twin(language: str, name: str) -> str:
    return f"[English](../en/{name})\n\n" if language == "zh" else f"[简体中文](../zh/{name})\n\n"


if __name__ == "__main__":
    for page in pages():
        page.write_text(written(page), encoding="utf-8")
