"""axe-core finds nothing serious or critical in the console: both languages, light and dark."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.browser.axe import colours, violations
from tests.browser.conftest import Browser
from tests.browser.test_screenshots import service  # noqa: F401 - a fixture
from tests.console import page
from wx_realname.models import AuditEvent, Notice, Verification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh-hans")
SCHEMES = {"light": (), "dark": ("color-contrast",)}  # the rules: in dark, what colours may change


def found(driver: Any, name: str, shots: Path) -> list[str]:
    """Of the open page, in light and in dark."""
    all_ = []
    for scheme, rules in SCHEMES.items():
        colours(driver, scheme)
        time.sleep(0.4)  # colours fade over
        driver.save_screenshot(str(shots / f"{name} {scheme}.png"))
        all_ += [f"{name}, {scheme}: {each}" for each in violations(driver, *rules)]
    return all_


def console(row: Verification) -> dict[str, str]:
    """Every page that a link or an address opens."""
    event = AuditEvent.objects.filter(event="exchange").latest("created_at")
    failed = Verification.objects.exclude(status="verified").first()
    assert failed
    return {
        "index": "/admin/",
        "list": page("verification"),
        "no such value": page("verification") + "?status=nonsense",
        "record": page("verification", row.pk, "change"),
        "failed record": page("verification", failed.pk, "change"),
        "find": page("verification", "find"),
        "reveal": page("verification", row.pk, "reveal"),
        "copy": page("verification", row.pk, "copy"),
        "erase": page("verification", row.pk, "erase"),
        "no such record": page("verification", event.pk, "erase"),
        "export": page("verification", "export"),
        "requests": page("verification", "export", "requests"),
        "trail": page("auditevent"),
        "trail of one": f"{page('auditevent')}?actor=officer",
        "event": page("auditevent", event.pk, "change"),
        "affected": page("auditevent", "affected"),
        "overview": page("hourlystatistic"),
        "not allowed": page("notice", "add"),
        "notices": page("notice"),
        "notice": page("notice", Notice.objects.latest("published_at").pk, "change"),
        "consents": page("consent"),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console(
    browser: Browser,
    service: Verification,  # noqa: F811
    tmp_path: Path,
    language: str,
) -> None:
    call_command("realname_notices", str(ROOT / "example_project" / "notices"), verbosity=0)
    browser.driver.set_window_size(1440, 1200)
    browser.speak(language)
    browser.open("/admin/login/")
    against = found(browser.driver, "login", tmp_path)
    browser.log_in("officer")
    for name, address in console(service).items():
        browser.open(address)
        against += found(browser.driver, name, tmp_path)
    for name in ("find", "reveal"):
        browser.open(console(service)[name])
        if name == "find":
            browser.type("credential_id", "440524198001010013")
        else:
            browser.type("reason", "4711")
        browser.press("#content-main [type=submit]")
        against += found(browser.driver, f"{name}, answered", tmp_path)
    assert not against, "\n".join(against)
