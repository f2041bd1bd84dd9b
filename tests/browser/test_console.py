"""The console in Chromium: an auditor finds and is refused, an officer reveals and exports, all traced."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from tests.browser.conftest import Browser
from tests.conftest import AUTH_TOKEN
from tests.console import busy_month, page, records, trail
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname import audit
from wx_realname.admin.sentences import sentence
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import exchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST, TRAIL, FIND = page("verification"), page("auditevent"), page("verification", "find")


@pytest.fixture(autouse=True)
def strict(settings: Any) -> None:
    """The host's strict policy, and Django's guard against forged requests."""
    settings.MIDDLEWARE = [
        "tests.browser.policy.strict_policy",
        *settings.MIDDLEWARE,
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]


@pytest.fixture
def row(liar: LyingWeChat, user: Any) -> Verification:
    records(120)
    call_command("realname_groups", verbosity=0)
    for name in ("auditor", "officer"):
        clerk = User.objects.create_user(name, password=name, is_staff=True)
        clerk.groups.add(Group.objects.get(name=f"realname {name}"))
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    list(audit.seal())
    return row


def find(browser: Browser) -> str:
    browser.open(FIND)
    browser.type("credential_id", NUMBER)
    return browser.press("#content-main [type=submit]")


def test_an_auditor_finds_and_is_refused_and_an_officer_reveals_and_exports(
    browser: Browser, row: Verification
) -> None:
    from selenium.webdriver import ActionChains

    record, reveal = page("verification", row.pk, "change"), page("verification", row.pk, "reveal")

    browser.log_in("auditor")
    assert browser.path() == LIST
    browser.shot("list")
    browser.press('a[rel="next"]')
    browser.shot("second page")
    found = find(browser)
    assert "1 record found" in found.lower() and "**娜" in found and browser.path() == FIND
    browser.shot("found")
    assert "Reveal" not in browser.press(".wx-found td a") and browser.path() == record
    browser.shot("record")
    assert "403" in browser.open(reveal) and NAME not in browser.text()

    browser.log_in("officer")
    browser.open(record)
    browser.press(f'a[href="{reveal}"]')
    browser.press("#content-main [type=submit]")  # without a reason
    browser.shot("reveal without a reason")
    browser.type("reason", "case 4711")
    plain = browser.press("#content-main [type=submit]")
    assert NAME in plain and NUMBER in plain and NUMBER not in browser.path()
    browser.shot("revealed")
    assert NAME not in browser.open(reveal)

    browser.open(f"{LIST}?status=verified")
    browser.press('.object-tools a[href$="status=verified"]')
    browser.driver.find_element("css selector", '[value="plain"]').send_keys(" ")
    browser.type("reason", "case 4711")
    browser.shot("export")
    button = browser.driver.find_element("css selector", "#content-main [type=submit]")
    ActionChains(browser.driver).double_click(button).perform()  # exports once
    assert f'"{NAME}","\'{NUMBER}"' in browser.downloaded()
    assert "The export is complete. Records: 1." in browser.wait_for("Another export")
    browser.shot("exported")

    seen = browser.open(TRAIL)
    for event, reason in trail():
        assert (
            str(AuditEvent.Event(event).label) in seen
            and sentence(AuditEvent(event=event, reason=reason)) in seen
        )
    assert [event for event, _ in trail()] == [
        "search",
        "permission_refused",
        "reveal",
        "export",
        "export_ended",
    ]
    browser.shot("trail")
    assert browser.complaints() == []


@pytest.fixture
def month() -> None:
    busy_month()
    call_command(
        "realname_usage", stdout=io.StringIO()
    )  # counts it; a visitor waits for 2 s at most


@pytest.mark.parametrize(("language", "word"), [("en", "Integrity"), ("zh-hans", "分钟峰值")])
def test_the_overview(
    browser: Browser, row: Verification, month: None, language: str, word: str
) -> None:
    browser.speak(language)
    browser.log_in("auditor")
    assert word in browser.open(page("hourlystatistic"))
    browser.driver.set_window_size(1400, 1700)
    browser.shot(f"overview {language}")
    browser.driver.set_window_size(500, 2500)
    browser.shot(f"overview {language} narrow")
    table = "#wx-by-day ~ details"
    browser.driver.find_element("css selector", f"{table} summary").send_keys("\ue007")
    assert len(browser.driver.find_elements("css selector", f"{table} tbody tr")) >= 30
    assert browser.complaints() == []
