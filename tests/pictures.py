"""What the pictures of READMEs and docs show, by the files that it is rendered from.

`docs/pictures.json` keeps a hash of each group of files, written when `make screenshots` took its pictures.
Not by pixels or words: those differ from one font, one day and one Django to another.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RENDERED = ROOT / "docs" / "pictures.json"
SOURCES = {
    "console": ("wx_realname/templates", "wx_realname/static", "wx_realname/admin"),
    "simulator": ("example_project/templates", "example_project/static/simulator"),
}
KINDS = {".css", ".html", ".js", ".py", ".svg"}


def fingerprints() -> dict[str, str]:
    """Of each group of pages: SHA-256 over its files, names included, as 16 hex digits."""
    return {name: _hash(folders) for name, folders in SOURCES.items()}


def _hash(folders: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in KINDS:
                total.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return total.hexdigest()[:16]
