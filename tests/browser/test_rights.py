"""In Chinese, as citizen and officers see it: the notice and its box, the withdrawal, four eyes, a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from tests.browser.conftest import Browser
from tests.browser.phone import Phone
from tests.browser.test_console import strict  # noqa: F401 - a fixture
from tests.conftest import AUTH_TOKEN
from tests.console import page
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname.models import AuditEvent, ExportRequest, Notice, Verification
from wx_realname.services import exchange

pytestmark = pytest.mark.browser
console = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
SUBMIT = "#content-main [type=submit]"


# --- the citizen ------------------------------------------------------------------------------


@pytest.fixture
def language() -> str:
    return "zh-CN"


def test_the_notice_is_shown_and_nothing_goes_on_before_its_box_is_ticked(phone: Phone) -> None:
    phone.tap("#authorise")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    text = (ROOT / "example_project/notices/social-security/2026-11.zh-hans.md").read_text("utf-8")
    assert phone.said("#notice-title") == "社会保障服务实名核验个人信息处理告知同意书"
    assert (
        not phone.find("#notice-tick").is_selected()
        and not phone.find("#notice-agree").is_enabled()
    )
    phone.shot("zh-notice")
    phone.tap("#notice-link")
    phone.shot("zh-notice-text")
    said = phone.said("#notice-text")
    for line in text.split("---", 2)[2].split():
        assert line.lstrip("#- ") in said
    phone.driver.execute_script("document.getElementById('notice-agree').click()")
    assert phone.find("#notice-agree").is_displayed() and phone.wire() == ["waiting"] * 4
    phone.tap("#notice-tick")
    phone.shot("zh-notice-ticked")
    phone.tap("#notice-tick")  # and taken back
    assert not phone.find("#notice-agree").is_enabled()
    phone.tap("#notice-tick")
    phone.tap("#notice-agree")
    phone.until(lambda: phone.find("#allow").is_displayed())


def test_a_withdrawal_is_one_button_and_one_confirmation(phone: Phone) -> None:
    phone.authorise()
    phone.ends("verified")
    phone.shot("zh-verified")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    phone.shot("zh-service")
    phone.tap("#withdraw")
    phone.until(lambda: phone.find("#withdrawal-agree").is_displayed())
    phone.shot("zh-withdrawal")
    goes, stays = phone.said("[data-sheet=withdrawal]").split("依法保留")
    assert "姓名" in goes and "身份证" in goes and "服务" in goes
    assert all(what in stays for what in ("核验", "账号", "网络地址", "撤回"))
    phone.tap("#withdrawal-agree")
    phone.until(lambda: "撤回" in phone.said("#notice"))
    phone.shot("zh-withdrawn")
    phone.tap("#social-security")
    phone.until(lambda: "实名" in phone.said("#notice") and "撤回" not in phone.said("#notice"))


# --- the officers -----------------------------------------------------------------------------


@pytest.fixture
def record(
    strict: None,  # noqa: F811
    browser: Browser,
    liar: LyingWeChat,
    user: Any,
    configure: Callable[..., None],
) -> Verification:
    """A verified record with a consent; two officers, and a superuser."""
    configure(FOUR_EYES=True)
    call_command("realname_groups", verbosity=0)
    call_command("realname_notices", str(ROOT / "example_project" / "notices"), verbosity=0)
    for name in ("first", "second"):
        clerk = User.objects.create_user(name, password=name, is_staff=True)
        clerk.groups.add(Group.objects.get(name="realname officer"))
    User.objects.create_superuser("root", password="root")
    browser.speak("zh-hans")
    notice = Notice.objects.get(language="zh-hans")
    return exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)


def ask(browser: Browser, send: bool = True) -> None:
    """The plain export of the verified records, as the form in the console asks for it."""
    browser.open(page("verification", "export") + "?status=verified")
    browser.driver.find_element("css selector", '[value="plain"]').send_keys(" ")
    browser.type("reason", "年度统计")
    browser.type("case_number", "B-7")
    if send:
        browser.press(SUBMIT)


@console
def test_a_plain_export_takes_two_officers_and_runs_once(
    browser: Browser, record: Verification
) -> None:
    requests = page("verification", "export", "requests")
    browser.log_in("root")
    ask(browser)
    assert browser.path() == requests and "等待另一名工作人员放行" in browser.text()
    browser.shot("zh asked")
    assert not browser.driver.find_elements("css selector", SUBMIT)  # not even a superuser

    browser.log_in("first")
    ask(browser, send=False)
    browser.shot("zh export")
    browser.press(SUBMIT)
    mine = ExportRequest.objects.latest("asked_at")
    assert len(browser.driver.find_elements("css selector", SUBMIT)) == 1  # root's alone
    assert (mine.reason, mine.case_number, mine.filters) == ("年度统计", "B-7", "status=verified")

    browser.log_in("second")
    assert "状态：已核验" in browser.open(requests)  # what would be released
    browser.shot("zh requests")
    browser.press(f'form:has([value="{mine.pk}"]) [type=submit]')
    assert "已放行" in browser.text()
    browser.shot("zh released")

    browser.log_in("first")
    ask(browser, send=False)
    browser.driver.find_element("css selector", SUBMIT).send_keys("\ue007")
    assert f'"{NAME}","\'{NUMBER}"' in browser.downloaded()
    browser.open(requests)
    browser.shot("zh run")
    ask(browser)
    assert browser.path() == requests and ExportRequest.objects.count() == 3  # asked for anew
    browser.shot("zh asked again")
    assert AuditEvent.objects.filter(event="export").count() == 1
    assert browser.complaints() == []


@console
def test_an_officer_gives_a_copy_at_the_counter(browser: Browser, record: Verification) -> None:
    address = page("verification", record.pk, "copy")
    browser.log_in("first")
    browser.open(page("verification", record.pk, "change"))
    browser.shot("zh record")
    browser.press(f'a[href="{address}"]')
    browser.shot("zh copy")
    browser.press(SUBMIT)  # without a reason
    browser.shot("zh copy without a reason")
    assert NAME not in browser.text() and "必填" in browser.text()
    browser.type("reason", f"当事人 {NUMBER} 到窗口申请")
    browser.press(SUBMIT)
    browser.shot("zh copy with a number in the reason")
    assert NAME not in browser.text() and not AuditEvent.objects.filter(event="copy").exists()
    browser.type("reason", "当事人到窗口申请查阅")
    copied = browser.press(SUBMIT)
    assert NAME in copied and NUMBER in copied and NUMBER not in browser.path()
    browser.shot("zh copied")
    event = AuditEvent.objects.get(event="copy")
    assert (event.reason, event.records) == ("当事人到窗口申请查阅", 1)
    assert NAME not in browser.open(address)
    browser.open(page("auditevent"))
    browser.shot("zh trail")
    assert "向当事人提供副本" in browser.text()
    assert browser.complaints() == []
