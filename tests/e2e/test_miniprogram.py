"""The mini-program on Node, against the running example site: component → API → WeChat → record → service.

`npm ci` in `example_project/miniprogram` comes first; the tox environment py3-node does both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.databases import rows_in
from tests.e2e.site import Site
from tests.processes import ROOT, run
from wx_realname.sandbox import Sandbox

MINIPROGRAM = ROOT / "example_project" / "miniprogram"

pytestmark = pytest.mark.node


def npm(*arguments: str, **environment: str) -> str:
    """Run a script of package.json; gives what it printed."""
    env = {**os.environ, "PYTHON": sys.executable, **environment}
    return run("npm", "run", "--silent", *arguments, cwd=MINIPROGRAM, env=env)


CONSENTED = """
SELECT DISTINCT n.version FROM wx_realname_verification v
LEFT JOIN wx_realname_consent c ON c.id = v.consent_id
LEFT JOIN wx_realname_notice n ON n.id = c.notice_id
WHERE v.status IN ('verified', 'erased')
"""


@pytest.fixture
def site(make_site: Callable[..., Site], wechat: Sandbox) -> Site:
    site = make_site(wechat.url, WX_REALNAME_CATEGORY_ID="99,904")
    site.manage("realname_notices", str(ROOT / "example_project" / "notices"))
    site.start()
    return site


def test_components_pages_and_words() -> None:
    npm("test")


def test_types() -> None:
    npm("types")


@pytest.mark.parametrize("script", ["test:face", "test:site", "test:check"])
def test_the_whole_road(script: str, site: Site, wechat: Sandbox, tmp_path: Path) -> None:
    npm(script, SITE_URL=site.url, SANDBOX_URL=wechat.url)
    assert rows_in(tmp_path, CONSENTED) == [("2026-11",)]
    assert "欧阳娜" not in site.log.read_text()
    assert "440524198001010013" not in site.log.read_text()
