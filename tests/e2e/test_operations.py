"""What an operator sees of a site with several workers: its log and its metrics, and no citizen in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.site import Citizen, Site
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

NAME, NUMBER = "欧阳娜", "440524198001010013"
OPENID = "openid-of-nobody-else"


def ends(site: Site) -> list[dict[str, Any]]:
    lines = [line for line in site.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line.get("event") == "attempt_ended"]


def test_the_log_follows_an_exchange_and_names_nobody(
    make_site: Callable[..., Site], wechat: Sandbox
) -> None:
    site = make_site(wechat.url)
    site.start(workers=2)
    auth_token = wechat.issue_auth_token(Person(NAME, NUMBER))
    answer = Citizen(site, wechat.issue_login_code(OPENID)).post(auth_token)
    (line,) = ends(site)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["verification_id"], line["status"]) == (answer.json()["id"], "verified")
    told = site.log.read_text()
    for planted in (NAME, NUMBER, OPENID, auth_token):
        assert planted not in told and json.dumps(planted) not in told


def test_every_workers_exchanges_are_in_one_scrape(
    make_site: Callable[..., Site], wechat: Sandbox, tmp_path: Path
) -> None:
    pytest.importorskip("prometheus_client", reason="the extra [prometheus] is not installed")
    (tmp_path / "metrics").mkdir()
    directory = str(tmp_path / "metrics")
    site = make_site(wechat.url, METRICS="true", PROMETHEUS_MULTIPROC_DIR=directory)
    site.start(workers=2, threads=2)
    for _ in range(6):
        citizen = Citizen(site, wechat.issue_login_code())
        assert citizen.post(wechat.issue_auth_token(Person(NAME, NUMBER))).status_code == 201
    text = requests.get(f"{site.url}/metrics", timeout=5).text
    counted = [line for line in text.splitlines() if line.startswith("wx_realname_attempts_total{")]
    assert [line.split()[-1] for line in counted] == ["6.0"]
    assert 'call="getrealnameinfo"' in text and NUMBER not in text
