"""What the pages have for readers elsewhere, and the built docs needn't."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from docs.pages import TWIN

# Chinese has no spaces: a line folded between two of its characters would get one.
FOLD = re.compile(r"(?<=[\u2e80-\uffef“”])\n *(?=[\u2e80-\uffef“”])")


def on_page_markdown(markdown: str, *, page: Any, **others: Any) -> str:
    """The page's text without the link to its twin, for which there is a menu."""
    markdown = TWIN.sub("", markdown)
    chinese = "zh" in PurePath(page.file.abs_src_path).parts
    return FOLD.sub("", markdown) if chinese else markdown


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """The page with a name for the search's dialog, which the theme leaves without one."""
    name = "搜索" if page.file.locale == "zh" else "Search"
    return output.replace('role="dialog"', f'role="dialog" aria-label="{name}"')
