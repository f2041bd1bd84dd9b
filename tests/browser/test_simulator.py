"""The simulator in Chromium, the site under gunicorn: every outcome has its words and its next step."""

from __future__ import annotations

import time

import pytest

from tests.browser.conftest import MCH_ID, Sites
from tests.browser.local_wechat import LocalWeChat
from tests.browser.phone import Phone
from tests.lying_wechat import TOKEN, hangs_up, refuses, says

pytestmark = pytest.mark.browser

HTML = says(b"<html><body>502</body></html>", Content_Type="text/html")


def test_the_real_name_is_verified_and_the_service_opens(phone: Phone, wechat: LocalWeChat) -> None:
    assert phone.wire() == ["waiting"] * 4
    phone.tap("#authorise")
    phone.consent()
    phone.shot("consent")
    phone.tap("#allow")
    phone.shot("password")
    phone.type("135790")
    words = phone.ends("verified")
    assert "**娜" in words and "9****************0" in words
    assert phone.wire() == ["done"] * 4
    assert "getrealnameinfo" in phone.message(3) and MCH_ID in phone.message(3)
    assert '"status": "verified"' in phone.message(4)
    phone.shot("verified")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    assert "**娜" in phone.said("#insured-name")
    assert "12,345.67" in phone.said("#insured-balance")
    phone.shot("service")
    assert len(wechat.exchanges) == 1


def test_no_secret_is_on_the_page(phone: Phone, wechat: LocalWeChat) -> None:
    phone.authorise()
    phone.ends("verified")
    asked = wechat.exchanges[0]
    page = phone.driver.page_source
    for secret in (asked.body["auth_token"], asked.body["sign"], *asked.query["access_token"]):
        assert secret not in page
    assert "990101198603120210" not in page


def test_every_citizen_has_a_name(phone: Phone) -> None:
    for citizen, name, number in (
        ("two", "*明", "9****************8"),
        ("dragon", "*䶮", "9****************0"),
        ("yoshi", "**华", "9****************9"),
        ("dot", "*******提", "9****************2"),
        ("x", "*晓", "9****************X"),
    ):
        phone.choose(citizen)
        phone.authorise()
        phone.ends("verified")
        assert (phone.said("#result-name"), phone.said("#result-number")) == (name, number)


def test_who_has_nothing_at_wechat_pay_is_told_another_way(phone: Phone) -> None:
    for citizen, code in {"no-pay": "no_wechat_pay", "no-name": "no_real_name"}.items():
        phone.choose(citizen)
        phone.authorise()
        assert "counter" in phone.ends(code)
        assert phone.next_step() == ""
        assert phone.wire() == ["done", "done", "failed", "failed"]
        phone.shot(code)
        phone.tap("#give-up")
        assert phone.screen() == "home"


def test_what_wechat_does_wrong_has_its_words(phone: Phone, wechat: LocalWeChat) -> None:
    for code, script, next_step in (
        ("misconfigured", refuses(94003), ""),
        ("wechat_error", refuses(43101), ""),
        ("quota_exhausted", refuses(45009), "retry"),
        ("outcome_unknown", hangs_up, "reauthorize"),
    ):
        wechat.play(script)
        phone.authorise()
        assert code in phone.ends(code)
        assert phone.next_step() == next_step
        assert phone.wire()[3] == "failed"
        phone.shot(code)
        phone.start_over()


def test_a_new_authorization_helps(phone: Phone) -> None:
    for fault, code in {"forged": "invalid_auth_token", "unreadable": "unreadable_answer"}.items():
        phone.breaks(fault)
        phone.authorise()
        phone.ends(code)
        phone.shot(code)
        phone.breaks("")
        assert phone.next_step() == "reauthorize"
        phone.authorise(by="#next")
        phone.ends("verified")
        phone.start_over()


def test_a_busy_wechat_is_asked_again_with_the_same_authorization(
    phone: Phone, wechat: LocalWeChat
) -> None:
    phone.breaks("busy")
    phone.authorise()
    phone.ends("wechat_busy")
    assert not phone.find("#next").is_enabled() and "(" in phone.said("#next")
    assert phone.message(3).count("errcode -1") == 3
    phone.shot("wechat_busy")
    phone.can_go_on()
    phone.tap("#next")
    phone.ends("verified")
    assert len({call.body["auth_token"] for call in wechat.exchanges}) == 1


def test_what_the_server_mends_nobody_notices(phone: Phone) -> None:
    phone.authorise()  # from now on there is an access_token that can die
    phone.ends("verified")
    for fault, errcode in {"busy-once": "-1", "expired": "40001"}.items():
        phone.start_over()
        phone.breaks(fault)
        phone.authorise()
        phone.ends("verified")
        assert f"errcode {errcode}" in phone.message(3) and phone.wire() == ["done"] * 4


def test_an_unreachable_wechat(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.play(HTML, path=TOKEN)
    phone.breaks("expired")
    phone.authorise()
    phone.ends("wechat_unreachable")
    assert phone.next_step() == "retry"
    phone.shot("wechat_unreachable")


def test_the_citizen_refuses(phone: Phone, wechat: LocalWeChat) -> None:
    phone.tap("#authorise")
    phone.consent()
    phone.tap("#refuse")
    phone.ends("refused")
    assert phone.wire() == ["failed", "waiting", "waiting", "waiting"]
    assert not wechat.exchanges
    phone.shot("refused")
    phone.authorise(by="#next")
    phone.ends("verified")


def test_a_wrong_payment_password_may_be_typed_again(phone: Phone) -> None:
    phone.authorise("000000")
    phone.until(lambda: "2 tries left" in phone.said("#pay-hint"))
    phone.shot("wrong-password")
    phone.type("123456")
    phone.ends("verified")


def test_after_three_wrong_payment_passwords_it_is_locked(phone: Phone) -> None:
    phone.authorise("000000")
    for left in ("2", "1"):
        phone.until(lambda left=left: left in phone.said("#pay-hint"))  # type: ignore[misc]
        phone.type("000000")
    phone.until(lambda: phone.find("#locked-close").is_displayed())
    phone.shot("password-locked")
    phone.tap("#locked-close")
    phone.ends("locked")
    phone.tap("#give-up")
    phone.tap("#authorise")
    phone.consent()
    phone.tap("#locked-close")  # no other password is asked for
    phone.tap("#next")
    phone.ready()
    phone.authorise()
    phone.ends("verified")


def test_without_network_the_authorization_is_kept(phone: Phone, wechat: LocalWeChat) -> None:
    phone.breaks("offline")
    phone.authorise()
    phone.ends("network_gone")
    assert phone.wire() == ["done", "failed", "waiting", "waiting"] and not wechat.exchanges
    phone.shot("network_gone")
    phone.tap("#next")
    phone.ends("verified")


def test_when_the_answer_gets_lost_wechat_is_not_asked_again(
    phone: Phone, wechat: LocalWeChat
) -> None:
    phone.breaks("answer-lost")
    phone.authorise()
    phone.ends("network_gone")
    phone.tap("#next")
    phone.ends("verified")
    assert "HTTP 200" in phone.message(4) and len(wechat.exchanges) == 1


def test_a_network_that_is_really_gone(phone: Phone) -> None:
    condition = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    phone.driver.execute_cdp_cmd("Network.emulateNetworkConditions", condition)
    phone.tap("#social-security")
    phone.ends("network_gone")
    condition["offline"] = False
    phone.driver.execute_cdp_cmd("Network.emulateNetworkConditions", condition)
    phone.tap("#next")
    phone.ready()
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in phone.complaints())


def test_what_is_sent_twice_is_asked_once(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.slowly(1)
    phone.breaks("twice")
    phone.authorise()
    phone.ends("exchange_in_progress")
    assert "WeChat answers" not in phone.message(4)
    phone.shot("exchange_in_progress")
    phone.can_go_on()
    phone.tap("#next")
    phone.ends("verified")
    assert len(wechat.exchanges) == 1


def test_a_double_tap_does_nothing(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.slowly(0.5)
    phone.tap_twice("authorise")
    phone.consent()
    phone.tap_twice("notice-agree", "allow", "allow")
    phone.type("135790")
    phone.until(lambda: phone.find("#wait").is_displayed())
    phone.tap_twice("authorise", "social-security")
    phone.ends("verified")
    phone.tap_twice("to-service")
    phone.until(lambda: phone.screen() == "service")
    assert len(wechat.exchanges) == 1


def test_too_many_tries_are_told_to_wait(phone: Phone, running: tuple[LocalWeChat, Sites]) -> None:
    phone.open(running[1](WX_REALNAME_THROTTLE_RATE="1/min"))
    phone.breaks("unreadable")
    phone.authorise()
    phone.ends("unreadable_answer")
    phone.authorise(by="#next")
    phone.ends("throttled")
    assert not phone.find("#next").is_enabled()
    phone.shot("throttled")


def test_a_sandbox_that_goes_away(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.play(says(b"{}", 500), path="/sandbox/auth_tokens")
    phone.authorise()
    phone.ends("sandbox_gone")
    phone.shot("sandbox_gone")
    phone.follow("check")
    wechat.play(says(b"{}", 500), path="/sandbox/check_codes")
    phone.check()
    phone.ends("sandbox_gone")
    assert "gave no code" in phone.message(1)


def test_the_service_asks_for_a_real_name_first_and_for_it_again_after_withdrawal(
    phone: Phone,
) -> None:
    phone.tap("#social-security")
    phone.until(lambda: phone.find("#notice").is_displayed())
    assert "real name" in phone.said("#notice")
    phone.shot("real_name_required")
    phone.authorise()
    phone.ends("verified")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    phone.tap("#withdraw")
    assert "network address" in phone.said("[data-sheet=withdrawal]")
    phone.shot("withdrawal")
    phone.tap("#withdrawal-refuse")
    assert phone.screen() == "service"
    phone.tap("#withdraw")
    phone.tap("#withdrawal-agree")
    phone.until(lambda: "erased" in phone.said("#notice"))
    phone.tap("#social-security")
    phone.until(lambda: "real name" in phone.said("#notice"))


def test_another_citizen_is_another_phone(phone: Phone, wechat: LocalWeChat) -> None:
    wechat.slowly(1)
    phone.authorise()
    phone.until(lambda: phone.find("#wait").is_displayed())
    phone.choose("two")
    assert phone.screen() == "home" and phone.wire() == ["waiting"] * 4
    time.sleep(1.5)  # what the other phone was waiting for comes, and goes nowhere
    assert phone.screen() == "home" and phone.wire() == ["waiting"] * 4
