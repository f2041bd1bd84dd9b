"""The simulator as its visitor uses it: choose, tap, type, look."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from tests.browser.looks import SHOTS, take

PATIENCE = 40  # seconds: CI has slow days
MESSAGES = ".messages:not([hidden])"  # those of the chosen way
REFUSED = re.compile(r"the server responded with a status of [45]\d\d")

#: Look whether a finger would hit it, and tap, in one step: nothing moves in between.
TAP = """
const wanted = document.querySelector(arguments[0]);
wanted.scrollIntoView({ block: "nearest" });
const { x, y, width, height } = wanted.getBoundingClientRect();
const hit = document.elementFromPoint(x + width / 2, y + height / 2);
if (wanted.disabled || !wanted.contains(hit)) return false;
wanted.click();
return true;
"""


class Phone:
    """The page at `/` in Chromium."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    # --- before -------------------------------------------------------------------------------

    def open(self, site: str, language: str = "en", way: str = "authorize") -> None:
        self.driver.execute_cdp_cmd("Network.enable", {})
        headers = {"headers": {"Accept-Language": language}}
        self.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", headers)
        self.driver.delete_all_cookies()
        self.driver.get_log("browser")
        self.driver.get(f"{site}/?way={way}")
        self.ready()

    def ready(self) -> None:
        """The mini-program is logged in."""
        self.until(lambda: self.find("#authorise").is_enabled())

    def start_over(self) -> None:
        self.tap("#start-over")
        self.ready()

    def choose(self, citizen: str) -> None:
        self.tap(f".citizen:has([value={citizen}])")
        self.ready()

    def follow(self, way: str) -> None:
        """Choose the way: "face", "authorize" or "check"."""
        self.tap(f"#ways [value={way}]")
        self.ready()

    def breaks(self, fault: str) -> None:
        """Choose what goes wrong."""
        self._select("#fault", fault)

    def ends_with(self, verdict: int) -> None:
        """Choose how WeChat's camera ends it."""
        self._select("#verdict", str(verdict))

    def _select(self, selector: str, value: str) -> None:
        from selenium.webdriver.support.select import Select

        Select(self.find(selector)).select_by_value(value)

    # --- on the glass -------------------------------------------------------------------------

    def tap(self, selector: str) -> None:
        """Tap it, as soon as it has slid in."""
        self.until(lambda: self._tapped(selector))

    def tap_twice(self, *ids: str) -> None:
        """One after the other, each with a second tap before anything can happen."""
        twice = "for (const id of arguments) { const b = document.getElementById(id); b.click(); b.click(); }"
        self.driver.execute_script(twice, *ids)

    def press(self, *keys: str) -> None:
        """Keys of the keyboard, wherever the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def _tapped(self, selector: str) -> bool:
        return bool(self.driver.execute_script(TAP, selector))

    def authorise(self, password: str = "135790", by: str = "#authorise") -> None:
        """The button, our notice, WeChat's consent sheet, the payment password."""
        self.tap(by)
        self.consent()
        self.tap("#allow")
        self.type(password)

    def check(self, real_name: str = "", credential_id: str = "", by: str = "#authorise") -> None:
        """The form, filled in from the ID card unless said otherwise; the city service, and back."""
        self.fill_in(real_name, credential_id, by)
        self.tap("#to-city")
        self.consent()
        self.tap("#city-agree")

    def face(self, real_name: str = "", credential_id: str = "", by: str = "#authorise") -> None:
        """The form, our notice, WeChat's camera until it is over."""
        self.fill_in(real_name, credential_id, by)
        self.tap("#to-city")
        self.consent()

    def consent(self) -> None:
        """Tick the box, where there is a notice, and go on."""
        self.until(lambda: self.find("#notice-agree").is_displayed())
        if self.find("#notice-tick").is_displayed():
            self.tap("#notice-tick")
        self.tap("#notice-agree")

    def fill_in(self, real_name: str = "", credential_id: str = "", by: str = "#authorise") -> None:
        self.tap(by)
        self.until(lambda: self.screen() == "check")
        for field, text in (("#typed-name", real_name), ("#typed-number", credential_id)):
            if text:
                self.find(field).clear()
                self.find(field).send_keys(text)

    def type(self, password: str) -> None:
        for digit in password:
            self.tap(f'#keypad [data-digit="{digit}"]')

    def screen(self) -> str:
        return str(self.find("[data-screen]:not([hidden])").get_attribute("data-screen"))

    def ends(self, code: str) -> str:
        """Wait for the page of that code ("verified": the record); its words."""
        page = "result" if code == "verified" else f'failure"][data-code="{code}'
        seen = f'#wait[hidden], [data-screen="{page}"]:not([hidden])'
        self.until(lambda: len(self.driver.find_elements("css selector", seen)) == 2)
        return self.said("[data-screen]:not([hidden])")

    def next_step(self) -> str:
        """What the citizen is offered; empty when there is nothing to do."""
        next_ = self.find("#next")
        return "" if next_.get_attribute("hidden") else str(next_.get_attribute("data-next"))

    def can_go_on(self) -> None:
        """Wait for the countdown to end."""
        self.until(lambda: self.find("#next").is_enabled())

    # --- beside it ----------------------------------------------------------------------------

    def wire(self) -> list[str]:
        """The states of the four messages."""
        found = self.driver.find_elements("css selector", f"{MESSAGES} [data-message]")
        return [str(message.get_attribute("data-state")) for message in found]

    def message(self, number: int) -> str:
        return self.said(f'{MESSAGES} [data-message="{number}"]')

    def complaints(self) -> list[str]:
        """What the browser complained of, apart from answers that a test asked to be refusals."""
        log = [entry["message"] for entry in self.driver.get_log("browser")]
        return [text for text in log if not REFUSED.search(text)]

    # --- the browser --------------------------------------------------------------------------

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def said(self, selector: str) -> str:
        """The words there; Selenium's own `text` has none of what is still fading in."""
        return str(self.driver.execute_script("return arguments[0].innerText", self.find(selector)))

    def until(self, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.find("body").text
            time.sleep(0.05)

    def text(self) -> str:
        return str(self.find("body").text)

    def focus(self) -> str:
        """The id of what has the focus."""
        return str(self.driver.execute_script("return document.activeElement.id"))

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefers(self, **features: str) -> None:
        """Media features, with `_` for `-`: color_scheme="dark"."""
        wanted = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": v}
            for name, v in features.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def shot(self, name: str) -> None:
        """A picture of the page, once nothing slides in any more."""
        if SHOTS:
            time.sleep(0.35)
            take(self.driver, name)
