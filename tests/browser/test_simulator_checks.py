"""The successor in the simulator: every verdict, every refusal, and what the phone alone does wrong."""

from __future__ import annotations

import pytest

from example_project.simulator.citizens import CITIZENS
from tests.browser.local_wechat import CHECK, LocalWeChat
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

NUMBER = CITIZENS["ordinary"].credential_id
OTHER_NAME, OTHER_NUMBER = "王二", "110105194912310021"


@pytest.fixture
def way() -> str:
    return "check"


# --- the verdicts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "button", "city", "verified"),
    [
        ("en", "Check my real name", "check who you are", "WeChat says that both are yours"),
        ("zh-CN", "核验我的实名信息", "核验您的身份", "微信确认两者均属于您"),
    ],
)
def test_what_was_typed_matches_and_the_service_opens(
    phone: Phone, wechat: LocalWeChat, button: str, city: str, verified: str
) -> None:
    assert phone.said("#authorise") == button
    phone.fill_in()
    phone.shot("check-form")
    phone.tap("#to-city")
    phone.consent()
    assert phone.wire() == ["under-way", "waiting", "waiting", "waiting"]
    assert "subPages/city/wxpay-auth/main" in phone.message(1)
    assert city in phone.said("#city-title")
    phone.shot("city-service")
    phone.tap("#city-agree")
    said = phone.ends("verified")
    assert verified in said and "**娜" in said and "9****************0" in said
    assert phone.wire() == ["done"] * 4
    assert "extraData" in phone.message(1) and "/realname/checks/" in phone.message(2)
    assert "/intp/realname/checkrealnameinfo" in phone.message(3)
    assert "V_NM_ID_MA" in phone.message(4) and '"method": "check"' in phone.message(4)
    phone.shot("check-match")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    assert len(wechat.checks) == 1 and not wechat.exchanges


def test_which_of_the_two_differs_is_on_the_wire_and_not_in_the_phone(phone: Phone) -> None:
    for name, number, verdict in (
        (OTHER_NAME, "", "V_OP_NM_UM"),
        ("", OTHER_NUMBER, "V_NM_ID_UM"),
        (OTHER_NAME, OTHER_NUMBER, "V_OP_NM_UM"),
    ):
        phone.check(name, number)
        said = phone.ends("mismatch")
        assert "Compare both with your ID card" in said and "V_" not in said
        assert phone.wire() == ["done", "done", "done", "failed"]
        assert verdict in phone.message(4)
        assert "The phone doesn't receive which" in phone.message(4)
        assert phone.next_step() == "edit"
        phone.start_over()


def test_what_was_mistyped_is_corrected_with_another_code(
    phone: Phone, wechat: LocalWeChat
) -> None:
    phone.check(OTHER_NAME)
    phone.ends("mismatch")
    phone.shot("check-mismatch")
    phone.check("欧阳娜", by="#next")
    phone.ends("verified")
    assert len({call.body["code"] for call in wechat.checks}) == 2


def test_of_whom_wechat_knows_nothing(phone: Phone) -> None:
    phone.choose("no-name")
    phone.check()
    assert "WeChat Pay doesn't know your name yet" in phone.ends("no_real_name")
    assert phone.next_step() == "" and "V_OP_NA" in phone.message(4)


# --- before anything is sent ------------------------------------------------------------------


def test_what_is_no_number_is_not_sent(phone: Phone, wechat: LocalWeChat) -> None:
    for number in ("1234", "990101198602300210", "99010119860312021Y"):
        phone.fill_in(credential_id=number)
        phone.tap("#to-city")
        phone.until(lambda: "This is not an ID number" in phone.said("#typed-hint"))
        assert phone.focus() == "typed-number" and phone.screen() == "check"
        assert phone.wire() == ["waiting"] * 4 and not wechat.checks
        phone.start_over()


def test_a_name_is_needed(phone: Phone, wechat: LocalWeChat) -> None:
    phone.fill_in(" ")
    phone.tap("#to-city")
    phone.until(lambda: phone.focus() == "typed-name")
    assert phone.find("#typed-name").get_attribute("aria-invalid") == "true"
    phone.check("欧阳娜", by="#typed-name")
    phone.ends("verified")
    assert len(wechat.checks) == 1


def test_what_our_server_alone_refuses(phone: Phone, wechat: LocalWeChat) -> None:
    phone.check(credential_id="990101209903120010")  # a birth date to come
    phone.ends("invalid")
    assert phone.next_step() == "edit" and not wechat.checks


def test_the_citizen_turns_back(phone: Phone, wechat: LocalWeChat) -> None:
    phone.fill_in()
    phone.tap("#to-city")
    phone.consent()
    phone.tap("#city-back")
    assert "You didn't authorize" in phone.ends("refused")
    assert phone.wire() == ["failed", "waiting", "waiting", "waiting"] and not wechat.checks
    phone.tap("#next")
    phone.consent()
    phone.tap("#city-agree")
    phone.ends("verified")


# --- what goes wrong --------------------------------------------------------------------------


#: What a fault comes to, and what the citizen may do then.
FAULTS = {
    "forged": "invalid_code reauthorize",
    "busy": "wechat_busy retry",
    "wechat:errcode_80112": "wechat_busy retry",
    "wechat:errcode_1005": "misconfigured ",
    "wechat:errcode_45009": "quota_exhausted retry",
    "wechat:verdicts_contradict": "unreadable_answer reauthorize",
    "wechat:reset_after_consumption": "outcome_unknown reauthorize",
}


def test_a_fault_has_its_words_and_its_next_step(phone: Phone) -> None:
    for fault, end in FAULTS.items():
        code, _, next_step = end.partition(" ")
        phone.breaks(fault)
        phone.check()
        assert code in phone.ends(code), fault
        assert phone.next_step() == next_step and phone.wire()[3] == "failed", fault
        phone.shot(f"check-{code}")
        phone.start_over()


def test_after_an_unknown_outcome_a_new_code_helps(phone: Phone, wechat: LocalWeChat) -> None:
    phone.breaks("wechat:reset_after_consumption")
    phone.check()
    phone.ends("outcome_unknown")
    phone.breaks("")
    phone.tap("#next")
    phone.consent()
    phone.tap("#city-agree")
    phone.ends("verified")
    assert len({call.body["code"] for call in wechat.checks}) == 2


def test_a_verdict_stands_for_as_long_as_its_code(phone: Phone, wechat: LocalWeChat) -> None:
    phone.check(OTHER_NAME)
    phone.ends("mismatch")
    phone.breaks("code-again")
    phone.fill_in("欧阳娜", by="#next")
    phone.tap("#to-city")
    phone.ends("mismatch")
    assert "WeChat wasn't asked" in phone.message(3) and len(wechat.checks) == 1


def test_a_code_that_matched_is_for_no_other_name(phone: Phone, wechat: LocalWeChat) -> None:
    phone.check()
    phone.ends("verified")
    phone.breaks("code-again")
    phone.tap("#back")
    phone.fill_in(OTHER_NAME)
    phone.tap("#to-city")
    phone.ends("invalid_code")
    assert "WeChat wasn't asked" in phone.message(3)
    phone.breaks("")
    phone.tap("#next")
    phone.consent()
    phone.tap("#city-agree")
    phone.ends("mismatch")
    assert len(wechat.checks) == 2


def test_a_double_tap_posts_once(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.slowly(0.5, CHECK)
    phone.fill_in()
    phone.tap_twice("to-city")
    phone.consent()
    phone.tap_twice("notice-agree", "city-agree")
    phone.ends("verified")
    assert len(wechat.checks) == 1


@pytest.mark.parametrize("fault", ["offline", "answer-lost"])
def test_a_network_that_fails_loses_nothing(phone: Phone, wechat: LocalWeChat, fault: str) -> None:
    phone.breaks(fault)
    phone.check()
    phone.ends("network_gone")
    phone.tap("#next")
    phone.ends("verified")
    assert len(wechat.checks) == 1


# --- what is shown ----------------------------------------------------------------------------


def test_no_secret_is_on_the_page(phone: Phone, wechat: LocalWeChat) -> None:
    phone.check("陈小明", OTHER_NUMBER)  # nobody else here bears these
    phone.ends("mismatch")
    asked = wechat.checks[0]
    page = phone.driver.page_source
    secrets = (*asked.query["access_token"], *(asked.body[name] for name in ("code", "openid")))
    for secret in (*secrets, NUMBER, "陈小明", OTHER_NUMBER):
        assert secret not in page


def test_the_faults_are_those_of_the_way(phone: Phone) -> None:
    def offered() -> set[str]:
        options = phone.driver.find_elements("css selector", "#fault option")
        return {option.get_attribute("value") for option in options}

    checks = offered()
    assert {"busy", "forged", "code-again", "wechat:errcode_80112"} <= checks
    assert not {"unreadable", "wechat:errcode_94003"} & checks
    phone.breaks("busy")
    phone.follow("authorize")
    assert phone.find("#fault").get_attribute("value") == "busy"
    assert not {"code-again", "wechat:errcode_80112"} & offered()
    phone.breaks("unreadable")
    phone.follow("check")
    assert phone.find("#fault").get_attribute("value") == ""


def test_by_keyboard_alone(phone: Phone) -> None:
    from selenium.webdriver import Keys

    phone.find("#ways [value=check]").send_keys(Keys.ARROW_LEFT)
    phone.ready()
    assert phone.said("#authorise") == "Authorize my real name"
    phone.press(Keys.ARROW_RIGHT)
    phone.ready()
    assert phone.said("#authorise") == "Check my real name"
    phone.find("#authorise").send_keys(Keys.ENTER)
    phone.until(lambda: phone.screen() == "check")
    phone.press(Keys.TAB, Keys.TAB, Keys.ENTER)  # to the name, to the number, and off
    phone.until(lambda: phone.focus() == "notice-title")
    phone.press(
        Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB, Keys.ENTER
    )  # text, box, refuse, go on
    phone.until(lambda: phone.focus() == "city-title")
    phone.press(Keys.TAB, Keys.TAB)  # round in it, not out of it
    assert phone.focus() == "city-back"
    phone.press(Keys.ESCAPE)
    phone.ends("refused")
    phone.press(Keys.TAB, Keys.ENTER)
    phone.until(lambda: phone.focus() == "notice-title")
    phone.press(Keys.TAB, Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB, Keys.ENTER)
    phone.press(Keys.TAB, Keys.ENTER)
    phone.ends("verified")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_phones_width_holds_it_all(phone: Phone, language: str) -> None:
    phone.size(360, 740)
    width = "return document.documentElement.scrollWidth"
    for tap, screen in (
        ("#authorise", "form"),
        ("#to-city", "notice"),
        ("#notice-agree", "city"),
        ("#city-agree", "match"),
    ):
        phone.consent() if tap == "#notice-agree" else phone.tap(tap)
        phone.shot(f"360-{language}-check-{screen}")
        assert phone.driver.execute_script(width) <= 360, screen
    phone.ends("verified")
