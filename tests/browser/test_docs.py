"""The example's page of the API: whole under its strict policy, from files of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Browser
from tests.e2e.site import Site, environment
from wx_realname.sandbox import Merchant, make_merchant_key

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
APP_ID, MCH_ID = "wxdocs000000000001", "1900009998"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    key = make_merchant_key(serial="0000ABCDEF0123456789")
    merchant = Merchant(APP_ID, "docs-app-secret", MCH_ID, (key.certificate_pem,))
    settings = environment(folder, merchant, key, "http://127.0.0.1:1")
    site = Site(folder, {**settings, "DEBUG": "true"})  # then it serves its static files
    site.start()
    yield site
    site.kill()


def loaded(browser: Browser) -> list[str]:
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    return list(browser.driver.execute_script(script))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Erase the personal data"), ("zh-hans", "删除个人信息")],
)
def test_the_page_shows_every_call_and_breaks_no_policy(
    browser: Browser, site: Site, language: str, words: str
) -> None:
    browser.driver.get(f"{site.url}/api/docs/?lang={language}")
    text = browser.wait_for("/api/realname/verifications/")
    for shown in (words, "/api/login/", "/api/realname/checks/", "/healthz"):
        assert shown in text
    assert browser.complaints() == []
    foreign: list[Any] = [name for name in loaded(browser) if not name.startswith(site.url)]
    assert [name for name in foreign if not name.startswith("data:")] == []
    browser.shot(f"docs {language}")
