"""The schema held against the site: Schemathesis makes requests from it, and judges every answer by it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
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
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ensure_resource_availability",
    "ignored_auth",
)
EXAMPLES = 10  # for each call


@pytest.mark.long
def test_every_answer_is_as_the_schema_says(
    make_site: Callable[..., Site], wechat: Sandbox, tmp_path: Path
) -> None:
    site = make_site(wechat.url)
    site.start()
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


def test_the_service_refuses_as_its_example_says(
    make_site: Callable[..., Site], wechat: Sandbox
) -> None:
    site = make_site(wechat.url)
    site.start()
    refused = Citizen(site, wechat.issue_login_code("openid-1")).get("social-security/")
    schema = requests.get(f"{site.url}/api/schema/?format=json", timeout=30).json()
    answer = schema["paths"]["/api/social-security/"]["get"]["responses"]["403"]
    (told,) = answer["content"]["application/json"]["examples"].values()
    assert refused.json() == told["value"]


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_schema_and_page_are_open_whatever_is_accepted(
    make_site: Callable[..., Site], wechat: Sandbox, accept: str
) -> None:
    site = make_site(wechat.url)
    site.start()

    def get(path: str) -> requests.Response:
        return requests.get(f"{site.url}/api/{path}", headers={"Accept": accept}, timeout=30)

    assert "Erase the personal data" in get("schema/?lang=en").text
    assert get("schema/?lang=tlh").status_code == 404
    page = get("docs/")
    assert page.status_code == 200 and "<script>" not in page.text
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
