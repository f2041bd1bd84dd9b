"""Puts what the code says into the pages: a line `{{ errors }}` becomes the table of errors.

The tables are made in `docs/tables.py`, in the language of the page.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from mkdocs.exceptions import PluginError

from docs import tables

# Chinese has no spaces: a line folded between two of its characters would get one.
FOLD = re.compile(r"(?<=[\u2e80-\uffef“”])\n *(?=[\u2e80-\uffef“”])")
MARKER = re.compile(r"^\{\{ (\w+) \}\}$", re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Any, **others: Any) -> str:
    """The page's text, each marker replaced."""
    language = "zh" if "zh" in PurePath(page.file.abs_src_path).parts else "en"
    if language == "zh":
        markdown = FOLD.sub("", markdown)

    def table(found: re.Match[str]) -> str:
        if found[1] not in tables.TABLES:
            known = ", ".join(tables.TABLES)
            raise PluginError(f"{page.file.src_uri}: {found[0]} is unknown; known are: {known}")
        return tables.TABLES[found[1]](language)

    return MARKER.sub(table, markdown)
