"""What differs between databases stands in one module."""

from __future__ import annotations

import re
from pathlib import Path

import wx_realname

PACKAGE = Path(wx_realname.__file__).parent


def test_one_module_reads_the_vendor() -> None:
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.vendor\b|\[\"vendor\"\]", path.read_text())
    }
    assert readers == {"databases.py"}
