"""The mini-program on Node, against the running example site: component → API → WeChat → record → service.

`npm ci` in `example_project/miniprogram` comes first; the tox environment py3-node does both.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.site import ROOT, Site
from wx_realname.sandbox import Sandbox

MINIPROGRAM = ROOT / "example_project" / "miniprogram"

pytestmark = pytest.mark.node


def npm(*arguments: str, **environment: str) -> str:
    """Run a script of package.json; gives what it printed."""
    done = subprocess.run(
        ["npm", "run", "--silent", *arguments],
        cwd=MINIPROGRAM,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def addresses(make_site: Callable[..., Site], wechat: Sandbox) -> dict[str, str]:
    """A running site and the WeChat that it asks."""
    site = make_site(wechat.url, WX_REALNAME_CATEGORY_ID="99,904")
    site.start()
    return {"SITE_URL": site.url, "SANDBOX_URL": wechat.url}


def test_components_pages_and_words() -> None:
    npm("test")


def test_types() -> None:
    npm("types")


def test_the_whole_road(addresses: dict[str, str], tmp_path: Path) -> None:
    npm("test:site", **addresses)
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        consents = database.execute(
            "SELECT DISTINCT consent FROM wx_realname_verification WHERE status = 'verified'"
        ).fetchall()
    assert consents == [("2026-11",)]  # config.js
    log = (tmp_path / "site.log").read_text()
    assert "欧阳娜" not in log
    assert "440524198001010013" not in log


def test_the_road_by_name_and_number(addresses: dict[str, str]) -> None:
    npm("test:check", **addresses)
