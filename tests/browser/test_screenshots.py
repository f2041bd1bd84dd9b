"""The pictures of READMEs and docs show the pages as they are; `make screenshots` takes them anew.

`docs/pictures.json` notes what they were rendered from: where that changed, `test_docs` fails until they are
taken anew and looked at.
"""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from tests.browser.conftest import Browser
from tests.browser.looks import colours
from tests.browser.phone import Phone
from tests.console import busy_month, page
from tests.pictures import RENDERED, ROOT, fingerprints
from wx_realname import audit
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import exchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOCS = ROOT / "docs"
TAKE = bool(os.environ.get("DOCS_IMAGES"))
WIDTH = 1440
LANGUAGES = {"en": "en", "zh": "zh-hans"}
REASONS = {"en": "case 4711", "zh": "工单 4711"}

#: Nobody's: made up, with right check digits.
CITIZENS = (
    Citizen("欧阳娜", "440524198001010013"),
    Citizen("张三", "110101199003070038"),
    Citizen("李雷", "110101199003070126", wechat_pay=False),
    Citizen("阿依古丽·买买提", "110101199003070214"),
    Citizen("王芳", "110101199003070302", real_name_info=False),
    Citizen("欧阳娜", "440524198001010013"),  # a second account
    Citizen("赵敏", "110101199003070433"),
)


@pytest.fixture
def service(sandbox: Sandbox, settings: Any) -> Verification:
    """A service in Beijing that has run for a month; the first citizen's record."""
    settings.TIME_ZONE = "Asia/Shanghai"
    call_command("realname_groups", verbosity=0)
    clerk = User.objects.create_user("officer", password="officer", is_staff=True)
    clerk.groups.add(Group.objects.get(name="realname officer"))
    for number, citizen in enumerate(CITIZENS):
        _attempt(sandbox, citizen, number)
    busy_month(until=8)
    call_command("realname_usage", stdout=io.StringIO())
    list(audit.seal())
    return Verification.objects.filter(status="verified").order_by("created_at")[0]


def _attempt(sandbox: Sandbox, citizen: Citizen, number: int) -> None:
    user = User.objects.create(username=f"oEx4mple-{number}")
    with suppress(RealNameError):  # it is in the list all the same
        exchange(user=user, auth_token=sandbox.issue_auth_token(citizen))
    at = timezone.now() - timedelta(minutes=37 * (len(CITIZENS) - number))
    Verification.objects.filter(user=user).update(created_at=at)
    AuditEvent.objects.filter(user_id=str(user.pk)).update(created_at=at)


class Pictures:
    """Takes pictures: into the docs where DOCS_IMAGES is set."""

    def __init__(self, driver: Any, language: str, folder: Path) -> None:
        self._driver = driver
        self._folder = DOCS / language / "images" if TAKE else folder
        driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Shanghai"})

    def take(self, name: str, height: int, width: int = WIDTH) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        time.sleep(0.4)  # for what slides in
        assert self._driver.save_screenshot(str(self._folder / f"{name}.png"))

    def note(self, group: str) -> None:
        """In `docs/pictures.json`: what the group's pictures were rendered from."""
        if TAKE:
            known = json.loads(RENDERED.read_text()) | {group: fingerprints()[group]}
            RENDERED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_of_the_admin_guide_show_the_console_as_it_is(
    browser: Browser, service: Verification, tmp_path: Path, language: str
) -> None:
    pictures = Pictures(browser.driver, language, tmp_path)
    browser.speak(LANGUAGES[language])
    colours(browser.driver, "light")
    browser.log_in("officer")
    pictures.take("list", 760)

    browser.open(page("verification", "find"))
    browser.type("credential_id", "440524198001010013")
    assert "**娜" in browser.press("#content-main [type=submit]")
    pictures.take("find", 720)

    browser.open(page("verification", service.pk, "reveal"))
    browser.type("reason", REASONS[language])
    assert "欧阳娜" in browser.press("#content-main [type=submit]")
    pictures.take("reveal", 520)

    browser.open(page("auditevent"))
    pictures.take("trail", 760)
    browser.open(page("hourlystatistic"))
    pictures.take("overview", 1560)
    assert browser.complaints() == []
    pictures.note("console")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_of_the_simulator_shows_it_as_it_is(
    phone: Phone, site: str, tmp_path: Path, language: str
) -> None:
    pictures = Pictures(phone.driver, language, tmp_path)
    phone.open(site, LANGUAGES[language], way="face")
    phone.face()
    phone.ends("verified")
    phone.driver.execute_script("window.scrollTo(0, 0)")
    pictures.take("simulator", 1000, width=1400)
    pictures.note("simulator")
