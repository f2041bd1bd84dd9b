"""The schema held against the site: Schemathesis makes requests from it, and judges every answer by it."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.e2e.site import Citizen, Site
from tests.processes import ROOT, run
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
#: Not `not_a_server_error`: a 5xx is right where the schema has it. Not `use_after_free`: a record
#: whose personal data is erased stays.
CHECKS = ["status_code_conformance", "content_type_conformance", "response_headers_conformance"]
CHECKS += ["response_schema_conformance", "negative_data_rejection", "unsupported_method"]
CHECKS += ["allow_header_conformance", "ensure_resource_availability", "ignored_auth"]
EXAMPLES = 10  # for each call


@pytest.mark.long
def test_every_answer_is_as_the_schema_says(site: Site, wechat: Sandbox, tmp_path: Path) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    for _ in range(3):
        citizen.post(wechat.issue_auth_token(Person("欧阳娜", "440524198001010013")))

    command = [
        SCHEMATHESIS, "run", f"{site.url}/api/schema/",
        "--header", f"Authorization: {citizen.authorization}",
        "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
        "SANDBOX_URL": wechat.url,
    }
    run(*command, cwd=tmp_path, env=env)
    log = site.log.read_text()
    assert "unexpected" not in log and "Traceback" not in log
    answered = set(re.findall(r'HTTP/1\.1" (\d+) ', log))
    assert {"200", "201", "204", "400", "401", "404", "405", "415", "422"} <= answered
    assert "500" not in answered


def test_schema_and_page_are_open_whatever_is_accepted(site: Site) -> None:
    for accept in ("*/*", "text/html", "application/json"):
        get = partial(requests.get, headers={"Accept": accept}, timeout=30)
        assert "Erase the personal data" in get(f"{site.url}/api/schema/?lang=en").text
        assert get(f"{site.url}/api/schema/?lang=tlh").status_code == 404
        page = get(f"{site.url}/api/docs/")
        assert page.status_code == 200 and "<script>" not in page.text
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
