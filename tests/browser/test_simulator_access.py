"""The simulator for everyone: by keyboard, in either language, on a small screen."""

from __future__ import annotations

import pytest

from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


def test_by_keyboard_alone(phone: Phone) -> None:
    from selenium.webdriver import Keys

    phone.find("#authorise").send_keys(Keys.ENTER)
    phone.until(lambda: phone.focus() == "notice-title")
    phone.press(Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB)
    assert phone.focus() == "notice-agree"
    phone.press(Keys.TAB)  # round in the sheet, not out of it
    assert phone.focus() == "notice-link"
    phone.press(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    assert phone.focus() == "consent-title"
    phone.press(Keys.TAB, Keys.TAB)
    assert phone.focus() == "allow"
    phone.press(Keys.TAB)  # round in the sheet, not out of it
    assert phone.focus() == "refuse"
    phone.press(Keys.TAB, Keys.ENTER)
    assert phone.focus() == "password-title"
    phone.press("1", "2", Keys.BACKSPACE, "3", "4")
    assert phone.find("#dots").get_attribute("aria-label") == "3 of 6 digits entered"
    phone.press(Keys.ESCAPE)
    phone.ends("refused")
    assert phone.find("#said").get_attribute("textContent").startswith("You didn't authorize")
    phone.press(Keys.TAB, Keys.ENTER)
    phone.until(lambda: phone.focus() == "notice-title")
    phone.press(Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB, Keys.ENTER)
    phone.press(Keys.TAB, Keys.TAB, Keys.ENTER, *"135790")
    phone.ends("verified")


@pytest.mark.parametrize("language", ["zh-CN"])
def test_in_chinese(phone: Phone) -> None:
    assert phone.said("#authorise") == "微信实名授权"
    phone.shot("zh-home")
    phone.choose("no-pay")
    phone.authorise()
    assert "该微信用户" in phone.ends("no_wechat_pay") or "微信支付" in phone.text()
    phone.shot("zh-no_wechat_pay")
    phone.tap('[name=language][value="en"]')
    phone.ready()
    assert phone.said("#authorise") == "Authorize my real name"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_phones_width_holds_it_all(phone: Phone, language: str) -> None:
    phone.size(360, 740)
    width = "return document.documentElement.scrollWidth"
    for step in ("home", "notice", "consent", "password", "verified"):
        assert phone.driver.execute_script(width) <= 360, step
        phone.shot(f"360-{language}-{step}")
        {
            "home": lambda: phone.tap("#authorise"),
            "notice": phone.consent,
            "consent": lambda: phone.tap("#allow"),
            "password": lambda: phone.type("135790"),
            "verified": lambda: None,
        }[step]()
        if step == "password":
            phone.ends("verified")
