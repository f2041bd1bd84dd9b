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


def test_nothing_belongs_to_a_session() -> None:
    """So PgBouncer serves in transaction mode: no server-side cursor, session lock or temporary table."""
    of_a_session = re.compile(
        r"\.a?iterator\(|chunked_cursor|pg_(try_)?advisory_lock|GET_LOCK"
        r"|\bLISTEN\b|TEMP(ORARY)? TABLE|SET SESSION"
    )
    assert of_a_session.search("rows.iterator()")
    found = [path.name for path in PACKAGE.rglob("*.py") if of_a_session.search(path.read_text())]
    assert found == []
