"""Face verification in the simulator: every verdict, a phone that errs, a mini-program that is closed."""

from __future__ import annotations

import re
from itertools import groupby

import pytest

from example_project.simulator.citizens import CITIZENS
from tests.browser.conftest import Sites
from tests.browser.local_wechat import LocalWeChat
from tests.browser.looks import take
from tests.browser.phone import Phone
from wx_realname.wechat.verdicts import VERDICTS, Verdict

pytestmark = pytest.mark.browser

NUMBER = CITIZENS["ordinary"].credential_id
BY_CODE = {
    code: list(rows)
    for code, rows in groupby(sorted(VERDICTS, key=lambda row: row.code), key=lambda row: row.code)
}


@pytest.fixture
def way() -> str:
    return ""  # the one that is shown first


def test_a_face_is_verified_and_the_service_opens(phone: Phone, wechat: LocalWeChat) -> None:
    assert phone.find("#ways [value=face]").is_selected()
    assert "Open to new sites" in phone.said("#ways") and "2019-11-10" in phone.said("#ways")
    phone.shot("face-home")
    phone.fill_in()
    phone.shot("face-form")
    phone.tap("#to-city")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    assert "1095 days" in phone.said("#notice-facts")
    assert not phone.find("#notice-tick").is_selected()
    assert not phone.find("#notice-agree").is_enabled()
    phone.shot("face-notice")
    phone.tap("#notice-link")
    assert "resident ID number" in phone.said("#notice-text")
    phone.shot("face-notice-text")
    phone.consent()
    phone.until(lambda: phone.find("#camera").is_displayed())
    words = phone.ends("verified")
    assert "**娜" in words and "9****************0" in words
    assert phone.wire() == ["done"] * 4
    assert "getverifyid" in phone.message(2) and "success" in phone.message(3)
    assert '"verify_ret": 10000' in phone.message(4) and '"method": "face"' in phone.message(4)
    phone.shot("face-verified")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    asked = wechat.queries[0].body
    page = phone.driver.page_source
    for secret in (asked["verify_id"], asked["cert_hash"], asked["openid"], NUMBER):
        assert secret not in page


@pytest.mark.parametrize("code", [code for code in BY_CODE if code])
def test_every_verdict_has_its_words(phone: Phone, wechat: LocalWeChat, code: str) -> None:
    """The first and the last of each code are played: WeChat's server and the phone may have ended it."""
    rows = BY_CODE[code]
    played = {row.verify_ret for row in (rows[0], rows[-1])}
    for row in rows:
        phone.ends_with(row.verify_ret)
        assert phone.said("#verdict-explanation") == row.remedy_en
        if row.verify_ret in played:
            phone.face()
            _ends_as(phone, row)
            phone.start_over()
    assert len(wechat.queries) == len(played)


@pytest.mark.parametrize("language", ["zh-CN"])
def test_every_verdict_has_its_words_in_chinese(phone: Phone) -> None:
    for code in filter(None, BY_CODE):
        row = BY_CODE[code][0]
        phone.ends_with(row.verify_ret)
        assert phone.said("#verdict-explanation") == row.remedy_zh
        phone.face()
        said = phone.ends(code)
        assert re.findall("[A-Za-z_]{3,}", said) == ["HTTP", code], said
        phone.shot(f"face-zh-{code}")
        phone.start_over()


def _ends_as(phone: Phone, row: Verdict) -> None:
    said = phone.ends(row.code)
    assert row.code in said and phone.wire()[3] == "failed"
    assert f'"verify_ret": {row.verify_ret}' in phone.message(4)
    expected = "fail" if row.verify_ret >= 90000 else "success"
    assert f"→ {expected}" in phone.message(3)
    assert ("believed otherwise" in phone.message(4)) == (expected == "success")
    if row is BY_CODE[row.code][0]:
        phone.shot(f"face-{row.code}")


def test_a_phone_that_reports_failure_is_not_believed(phone: Phone) -> None:
    phone.breaks("phone-fail")
    phone.face()
    phone.ends("verified")
    assert "→ fail" in phone.message(3) and "believed otherwise" in phone.message(4)


def test_a_phone_that_reports_success_is_not_believed(phone: Phone) -> None:
    phone.breaks("phone-success")
    phone.ends_with(90106)
    phone.face()
    phone.ends("face_unsupported")
    assert "→ success" in phone.message(3) and "believed otherwise" in phone.message(4)


def test_what_is_not_finished_is_asked_again(phone: Phone) -> None:
    phone.ends_with(10300)
    phone.face()
    phone.ends("face_not_finished")
    phone.can_go_on()
    phone.tap("#next")
    phone.ends("verified")


def test_what_a_fault_of_wechats_own_has_ended_is_begun_anew(
    phone: Phone, wechat: LocalWeChat
) -> None:
    phone.ends_with(10007)
    phone.face()
    phone.ends("wechat_busy")
    assert phone.next_step() == "reauthorize"
    phone.tap("#next")
    phone.consent()
    phone.until(lambda: phone.find("#camera").is_displayed())
    assert len(wechat.queries) == 1


def test_who_leaves_the_camera_has_cancelled(phone: Phone) -> None:
    phone.face()
    phone.tap("#camera-cancel")
    phone.ends("face_cancelled")
    assert phone.next_step() == "reauthorize"


def test_a_withdrawal_ends_the_consent(phone: Phone) -> None:
    phone.face()
    phone.ends("verified")
    assert '"notice"' in phone.message(1)
    phone.tap("#to-service")
    phone.tap("#withdraw")
    assert "network address" in phone.said("[data-sheet=withdrawal]")
    phone.tap("#withdrawal-agree")
    phone.until(lambda: "consents/…/withdraw/ → HTTP 200" in phone.said("#after"))
    phone.tap("#social-security")
    phone.until(lambda: "real name" in phone.said("#notice"))


def test_a_site_without_a_notice_says_so_and_goes_on(
    phone: Phone, running: tuple[LocalWeChat, Sites]
) -> None:
    phone.open(running[1](notices=""), way="face")
    phone.fill_in()
    phone.tap("#to-city")
    phone.until(lambda: phone.find("#notice-none").is_displayed())
    assert not phone.find("#notice-box").is_displayed()
    phone.tap("#notice-agree")
    phone.ends("verified")
    assert '"notice"' not in phone.message(1)


def test_who_does_not_agree_is_not_asked_for_more(phone: Phone, wechat: LocalWeChat) -> None:
    phone.fill_in()
    phone.tap("#to-city")
    phone.tap("#notice-refuse")
    phone.ends("refused")
    assert phone.wire()[0] == "failed" and not wechat.queries


@pytest.mark.parametrize("settled", [False, True])
def test_a_closed_mini_program_finds_its_record_again(phone: Phone, settled: bool) -> None:
    phone.breaks("closed")
    phone.face()
    phone.until(lambda: phone.screen() == "closed")
    phone.shot("face-closed")
    if settled:
        phone.tap("#settle")
        phone.until(lambda: phone.find("#settled").is_displayed())
        assert "verified" in phone.said("#settled")
        phone.shot("face-settled")
    phone.tap("#reopen")
    phone.ends("verified")
    assert "status=waiting" in phone.said("#after")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("begin:errcode_48001", "misconfigured"),
        ("begin:errcode_84015", "mismatch"),
        ("wechat:passed_on_the_phone_alone", "mismatch"),
        ("wechat:verify_ret_text", "wechat_unreachable"),
    ],
)
def test_what_wechat_does_wrong_with_a_face(phone: Phone, fault: str, code: str) -> None:
    phone.breaks(fault)
    phone.face()
    phone.ends(code)
    assert "failed" in phone.wire()


def test_an_answer_that_is_lost_is_not_asked_of_wechat_again(
    phone: Phone, wechat: LocalWeChat
) -> None:
    phone.breaks("answer-lost")
    phone.face()
    phone.ends("network_gone")
    phone.tap("#next")
    phone.ends("verified")
    assert len(wechat.queries) == 1


def test_a_double_tap_begins_one_face(phone: Phone, wechat: LocalWeChat) -> None:
    phone.fill_in()
    phone.tap_twice("to-city")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    phone.tap("#notice-tick")
    phone.tap_twice("notice-agree")
    phone.ends("verified")
    assert len(wechat.queries) == 1


def test_the_language_keeps_citizen_way_fault_and_verdict(phone: Phone) -> None:
    phone.choose("two")
    phone.breaks("closed")
    phone.ends_with(10004)
    phone.tap('[name=language][value="zh-hans"]')
    phone.until(lambda: phone.said("#authorise") == "人脸核身")
    phone.ready()
    assert phone.find("[value=two]").is_selected() and phone.find("[value=face]").is_selected()
    assert phone.find("#fault").get_attribute("value") == "closed"
    assert phone.find("#verdict").get_attribute("value") == "10004"


def test_the_first_tab_is_at_the_skip_link(phone: Phone) -> None:
    from selenium.webdriver import Keys

    phone.press(Keys.TAB)
    skip = "return document.activeElement.className"
    assert phone.driver.execute_script(skip) == "skip"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_face_on_a_phones_width(phone: Phone, language: str) -> None:
    phone.size(360, 740)
    overflow = "return document.documentElement.scrollWidth"
    phone.shot(f"360-{language}-face-home")
    assert phone.driver.execute_script(overflow) <= 360
    phone.fill_in()
    phone.shot(f"360-{language}-face-form")
    phone.tap("#to-city")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    phone.shot(f"360-{language}-face-notice")
    phone.consent()
    phone.until(lambda: phone.find("#camera").is_displayed())
    take(phone.driver, f"360-{language}-face-camera")
    phone.ends("verified")
    phone.shot(f"360-{language}-face-verified")
