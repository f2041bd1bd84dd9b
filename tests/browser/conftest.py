"""Debian's Chromium, headless, one a worker; nothing is downloaded.

With BROWSER_SHOTS=FOLDER the tests leave pictures of the pages there, to be looked at.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.local_wechat import LocalWeChat
from tests.browser.looks import SHOTS, colours, take
from tests.browser.phone import Phone
from tests.e2e.site import Site, environment
from wx_realname.sandbox import Merchant, Sandbox, make_merchant_key

PATIENCE = 20  # seconds
APP_ID, MCH_ID = "wxb0000000000000001", "1900009998"


class Browser:
    """What a clerk does: open, type, press, read."""

    def __init__(self, driver: Any, site: str, downloads: Path) -> None:
        self.driver, self.site, self._downloads = driver, site, downloads

    def open(self, path: str) -> str:
        self.driver.get(f"{self.site}{path}")
        return self.text()

    def text(self) -> str:
        return str(self.driver.find_element("css selector", "body").text)

    def path(self) -> str:
        return str(self.driver.current_url).removeprefix(self.site)

    def type(self, name: str, text: str) -> None:
        field = self.driver.find_element("css selector", f'[name="{name}"]')
        field.clear()
        field.send_keys(text)

    def press(self, selector: str) -> str:
        """Press by keyboard, and wait for the next page."""
        page = self.driver.find_element("css selector", "html")
        self.driver.find_element("css selector", selector).send_keys("\ue007")  # Enter
        until = time.monotonic() + PATIENCE
        while self._is_still_there(page) and time.monotonic() < until:
            time.sleep(0.05)
        return self.text()

    def _is_still_there(self, page: Any) -> bool:
        from selenium.common.exceptions import WebDriverException

        try:
            return bool(page.is_enabled())
        except WebDriverException:
            return False

    def log_in(self, username: str) -> str:
        self.driver.delete_all_cookies()
        self.open("/admin/login/?next=/admin/wx_realname/verification/")
        self.type("username", username)
        self.type("password", username)
        return self.press("[type=submit]")

    def wait_for(self, words: str) -> str:
        """The page's text, once these words are in it."""
        until = time.monotonic() + PATIENCE
        while words not in (text := self.text()):
            assert time.monotonic() < until, text
            time.sleep(0.1)
        return text

    def downloaded(self) -> str:
        until = time.monotonic() + PATIENCE
        while not (files := list(self._downloads.glob("*.csv"))):
            assert time.monotonic() < until, "no file came"
            time.sleep(0.1)
        return files[0].read_text(encoding="utf-8")

    def shot(self, name: str) -> None:
        """A picture of the window, in light and in dark."""
        for scheme in ("light", "dark") if SHOTS else ():
            colours(self.driver, scheme)
            time.sleep(0.3)  # Django's colours fade over
            take(self.driver, f"{name} {scheme}")

    def speak(self, language: str) -> None:
        self.driver.execute_cdp_cmd("Network.enable", {})
        headers = {"headers": {"Accept-Language": language}}
        self.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", headers)

    def complaints(self) -> list[str]:
        """What Chromium complained of: a breach of the policy, above all.

        Apart from what the tests bring about: refusals, and a site without an icon.
        """
        log = [entry["message"] for entry in self.driver.get_log("browser")]
        return [text for text in log if "(Forbidden)" not in text and "/favicon.ico" not in text]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The worker's Chromium; `browser` and `phone` find it as if it were new."""
    from selenium import webdriver

    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    assert driver and chromium, "install Debian's chromium and chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--no-proxy-server",
        "--window-size=1400,1000",
        "--lang=en",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


def make_new(chromium: Any, downloads: Path) -> None:
    """No cookie, no page, no log, and no wish of the test before; downloads go into that folder."""
    chromium.get("about:blank")
    for command, arguments in {
        "Network.enable": {},
        "Network.clearBrowserCookies": {},
        "Network.setExtraHTTPHeaders": {"headers": {}},
        "Emulation.clearDeviceMetricsOverride": {},
        "Emulation.setEmulatedMedia": {"features": []},
        "Emulation.setScrollbarsHidden": {"hidden": False},
        "Emulation.setTimezoneOverride": {"timezoneId": ""},
        "Browser.setDownloadBehavior": {"behavior": "allow", "downloadPath": str(downloads)},
    }.items():
        chromium.execute_cdp_cmd(command, arguments)
    chromium.set_window_size(1400, 1000)
    chromium.get_log("browser")


@pytest.fixture
def browser(chromium: Any, live_server: Any, tmp_path: Path) -> Browser:
    """At the site of the test's own process."""
    make_new(chromium, tmp_path)
    return Browser(chromium, live_server.url, tmp_path)


# --- the simulator, on the example site under gunicorn ------------------------------------------

Sites = Callable[..., str]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalWeChat, Sites]]:
    """A local WeChat, and a way to start sites beside it."""
    key = make_merchant_key()
    merchant = Merchant(APP_ID, "browser-secret", MCH_ID, (key.certificate_pem,))
    sites = []
    with Sandbox([merchant]) as sandbox:
        wechat = LocalWeChat(sandbox)

        def start(notices: str = "example_project/notices", **more: str) -> str:
            folder = tmp_path_factory.mktemp("site")
            settings = environment(folder, merchant, key, wechat.url)
            site = Site(folder, {**settings, "DEBUG": "true", **more})
            sites.append(site)
            site.manage("migrate", "--verbosity", "0")
            if notices:
                site.manage("realname_notices", notices)
            site.start()
            return site.url

        yield wechat, start
        for site in sites:
            site.kill()
        wechat.close()


@pytest.fixture(scope="session")
def site(running: tuple[LocalWeChat, Sites]) -> str:
    return running[1]()


@pytest.fixture
def wechat(running: tuple[LocalWeChat, Sites]) -> LocalWeChat:
    running[0].forget()
    return running[0]


@pytest.fixture
def way() -> str:
    """The way that the simulator shows first: "face", "authorize" or "check"."""
    return "authorize"


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def phone(
    chromium: Any, site: str, wechat: LocalWeChat, tmp_path: Path, language: str, way: str
) -> Iterator[Phone]:
    """Open at the first page; afterwards the browser had nothing to complain of."""
    make_new(chromium, tmp_path)
    phone = Phone(chromium)
    phone.size(1400, 1000)
    phone.prefers(color_scheme="light", reduced_motion="reduce")
    phone.open(site, language, way)
    yield phone
    assert phone.complaints() == []
