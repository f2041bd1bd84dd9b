"""The simulator for everyone: by keyboard, in either language, on a small screen, light and dark."""

from __future__ import annotations

import pytest

from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


def test_by_keyboard_alone(phone: Phone) -> None:
    from selenium.webdriver import ActionChains, Keys

    def press(*keys: str) -> None:
        ActionChains(phone.driver).send_keys(*keys).perform()

    phone.find("#authorise").send_keys(Keys.ENTER)
    phone.until(lambda: phone.focus() == "notice-title")
    press(Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB)
    assert phone.focus() == "notice-agree"
    press(Keys.TAB)  # round in the sheet, not out of it
    assert phone.focus() == "notice-link"
    press(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    assert phone.focus() == "consent-title"
    press(Keys.TAB, Keys.TAB)
    assert phone.focus() == "allow"
    press(Keys.TAB)  # round in the sheet, not out of it
    assert phone.focus() == "refuse"
    press(Keys.TAB, Keys.ENTER)
    assert phone.focus() == "password-title"
    press("1", "2", Keys.BACKSPACE, "3", "4")
    assert phone.find("#dots").get_attribute("aria-label") == "3 of 6 digits entered"
    press(Keys.ESCAPE)
    phone.ends("refused")
    assert phone.find("#said").get_attribute("textContent").startswith("You didn't authorize")
    press(Keys.TAB, Keys.ENTER)
    phone.until(lambda: phone.focus() == "notice-title")
    press(Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB, Keys.ENTER)
    press(Keys.TAB, Keys.TAB, Keys.ENTER, *"135790")
    phone.ends("verified")


def test_in_chinese(phone: Phone, site: str) -> None:
    phone.open(site, "zh-CN")
    assert phone.said("#authorise") == "微信实名授权"
    phone.shot("zh-home")
    phone.choose("no-pay")
    phone.authorise()
    assert "该微信用户" in phone.ends("no_wechat_pay") or "微信支付" in phone.text()
    phone.shot("zh-no_wechat_pay")
    phone.tap('[name=language][value="en"]')
    phone.ready()
    assert phone.said("#authorise") == "Authorize my real name"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_phones_width_holds_it_all(phone: Phone, site: str, language: str, scheme: str) -> None:
    phone.size(360, 740)
    phone.prefers(color_scheme=scheme, reduced_motion="reduce")
    phone.open(site, language)
    width = "return document.documentElement.scrollWidth"
    for step in ("home", "notice", "consent", "password", "verified"):
        assert phone.driver.execute_script(width) <= 360, step
        phone.shot(f"360-{language}-{scheme}-{step}")
        {
            "home": lambda: phone.tap("#authorise"),
            "notice": phone.consent,
            "consent": lambda: phone.tap("#allow"),
            "password": lambda: phone.type("135790"),
            "verified": lambda: None,
        }[step]()
        if step == "password":
            phone.ends("verified")


#: Texts whose contrast with the colour behind them is under 4.5 to 1; what is drawn on a picture, a
#: gradient or half transparent, and what is disabled, isn't measured.
PALE = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = ([r, g, b]) => [r, g, b]
  .map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor, backgroundImage, opacity } = getComputedStyle(at);
    if (backgroundImage !== "none" || opacity !== "1" || at.disabled) return null;
    const colour = rgba(backgroundColor);
    if (colour[3] === 255) return colour;
    if (colour[3]) return null;
  }
  return null;
};
const pale = [];
for (const element of document.querySelectorAll("body *")) {
  const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (!words.length || !element.checkVisibility()) continue;
  const ground = behind(element);
  if (!ground) continue;
  const [one, two] = [light(ground), light(rgba(getComputedStyle(element).color))];
  const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  if (contrast < 4.5) pale.push(`${words[0].data.trim()} ${contrast.toFixed(2)}`);
}
return pale;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_dark_enough(phone: Phone, site: str, scheme: str) -> None:
    phone.prefers(color_scheme=scheme, reduced_motion="reduce")
    phone.open(site, way="face")
    assert phone.driver.execute_script(PALE) == []
    phone.fill_in()
    assert phone.driver.execute_script(PALE) == []
    phone.tap("#to-city")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    phone.tap("#notice-link")
    assert phone.driver.execute_script(PALE) == []
    phone.consent()
    phone.ends("verified")
    assert phone.driver.execute_script(PALE) == []
