"""The console under django-unfold and django-jazzmin: every page is whole, and a clerk can work with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import APP_ID, MCH_ID, Browser, make_new
from tests.browser.looks import colours
from tests.browser.test_screenshots import LANGUAGES, Pictures
from tests.console import page
from tests.e2e.site import Citizen, Site, environment
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Merchant, Sandbox, make_merchant_key

pytestmark = pytest.mark.browser
THEMES = ("unfold", "jazzmin")
NAME, NUMBER = "欧阳娜", "440524198001010013"
CLERK = {"DJANGO_SUPERUSER_USERNAME": "officer", "DJANGO_SUPERUSER_PASSWORD": "officer"}
FILL = "from tests.console import busy_month; busy_month(until=8)"


@pytest.fixture(scope="module", params=THEMES)
def theme(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[tuple[str, Site]]:
    """A site with that theme, and one record."""
    folder = tmp_path_factory.mktemp(request.param)
    key = make_merchant_key()
    merchant = Merchant(APP_ID, "themes-secret", MCH_ID, (key.certificate_pem,))
    with Sandbox([merchant]) as wechat:
        own = {"DJANGO_SETTINGS_MODULE": "tests.browser.themed_settings", "THEME": request.param}
        settings = environment(folder, merchant, key, wechat.url)
        site = Site(folder, {**settings, **own, **CLERK, "DEBUG": "true"})
        site.manage("migrate", "--verbosity", "0")
        site.manage("createsuperuser", "--noinput", "--email", "officer@example.org")
        site.manage("shell", stdin=FILL)
        site.start()
        citizen = Citizen(site, wechat.issue_login_code())
        citizen.post(wechat.issue_auth_token(Person(NAME, NUMBER)))
        yield request.param, site
        site.kill()


@pytest.fixture
def browser(theme: tuple[str, Site], chromium: Any, tmp_path: Path) -> Browser:
    """The clerk's."""
    make_new(chromium, tmp_path)
    return Browser(chromium, theme[1].url, tmp_path)


def test_every_page_is_whole(browser: Browser) -> None:
    browser.speak("en")
    browser.log_in("officer")
    browser.wait_for("authorize button")
    record = links(browser, page("verification"))[0]
    event = links(browser, page("auditevent") + "?event=exchange")[0]
    pages = {
        record: "**娜 · verified",
        event: "exchange ended",
        page("verification", "find"): "Find a person",
        page("verification", "export"): "Export",
        page("verification", "export", "requests"): "Requests for plain exports",
        page("auditevent", "affected"): "Whom an account reached",
        page("hourlystatistic"): "Overview",
        page("notice", "add"): "Not allowed",
        record.replace("change", "copy"): "Copy for the citizen",
        record.replace("change", "erase"): "Erase name and ID number",
    }
    for address, title in pages.items():
        browser.open(address)
        browser.wait_for(title)  # unfold shows nothing before its script has run
        headings = browser.driver.find_elements("css selector", "main h1, #content h1, .row h1")
        assert [title in heading.text for heading in headings] == [True], address
        unseen = "return [...document.querySelectorAll('#content-main input:not([type=hidden])')]"
        unseen += ".filter((field) => !field.checkVisibility() || !field.offsetWidth).length"
        assert browser.driver.execute_script(unseen) == 0, address
    assert [text for text in browser.complaints() if "/admin/login/" not in text] == []


def test_a_clerk_filters_reveals_and_exports(browser: Browser) -> None:
    browser.speak("en")
    browser.log_in("officer")
    browser.open(page("verification"))
    browser.driver.execute_script("document.querySelector('[name=until]').value = '2020-01-01'")
    show = "document.querySelector('[name=until]').closest('details').querySelector('[type=submit]').click()"
    browser.driver.execute_script(show)
    browser.wait_for("Nothing is here.")
    browser.open(links(browser, page("verification"))[0])
    browser.press("a[href$='/reveal/']")
    browser.type("reason", "case 4711")
    browser.press("#content-main [type=submit]")
    browser.wait_for(NAME)
    browser.open(page("verification", "export"))
    browser.driver.find_element("css selector", "#content-main [type=submit]").send_keys("\ue007")
    browser.wait_for("The export is complete. Records: 1.")
    assert "**娜" in browser.downloaded()


def links(browser: Browser, address: str) -> list[str]:
    """Where the list's lines lead."""
    browser.open(address)
    found = browser.driver.find_elements("css selector", "#result_list .field-when a")
    return [str(link.get_attribute("href")).removeprefix(browser.site) for link in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_show_the_themes(
    browser: Browser, theme: tuple[str, Site], tmp_path: Path, language: str
) -> None:
    name, _site = theme
    pictures = Pictures(browser.driver, language, tmp_path)
    browser.speak(LANGUAGES[language])
    colours(browser.driver, "light")
    browser.log_in("officer")
    browser.open(links(browser, page("verification"))[0])
    pictures.take(f"theme-{name}", 760)
