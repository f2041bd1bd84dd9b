"""The pictures of the admin guide, taken of the console as it is.

They go to the test's temporary folder; `DOCS_IMAGES=1 pytest tests/browser/test_screenshots.py` puts
them into docs/<language>/images/.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from tests.browser.conftest import Browser
from tests.console import busy_month, page
from wx_realname import audit
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import exchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOCS = Path(__file__).resolve().parents[2] / "docs"
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
def service(sandbox: Sandbox) -> Verification:
    """A service that has run for a month; the first citizen's record."""
    call_command("realname_groups", verbosity=0)
    clerk = User.objects.create_user("officer", password="officer", is_staff=True)
    clerk.groups.add(Group.objects.get(name="realname officer"))
    for number, citizen in enumerate(CITIZENS):
        _attempt(sandbox, citizen, number)
    busy_month(until=8)
    list(audit.seal())
    return Verification.objects.filter(status="verified").order_by("created_at")[0]


def _attempt(sandbox: Sandbox, citizen: Citizen, number: int) -> None:
    user = User.objects.create(username=f"oEx4mple-{number}")
    with suppress(RealNameError):  # it is in the list all the same
        exchange(user=user, auth_token=sandbox.issue_auth_token(citizen))
    at = timezone.now() - timedelta(minutes=37 * (len(CITIZENS) - number))
    Verification.objects.filter(user=user).update(created_at=at)
    AuditEvent.objects.filter(user_id=str(user.pk)).update(created_at=at)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_of_the_admin_guide(
    browser: Browser, service: Verification, tmp_path: Path, language: str
) -> None:
    folder = DOCS / language / "images" if os.environ.get("DOCS_IMAGES") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)

    def shot(name: str, height: int) -> None:
        browser.driver.set_window_size(WIDTH, height)
        assert browser.driver.save_screenshot(str(folder / f"{name}.png"))

    browser.speak(LANGUAGES[language])
    features = [{"name": "prefers-color-scheme", "value": "light"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.log_in("officer")
    shot("list", 760)

    browser.open(page("verification", "find"))
    browser.type("credential_id", "440524198001010013")
    assert "**娜" in browser.press("#content-main [type=submit]")
    shot("find", 720)

    browser.open(page("verification", service.pk, "reveal"))
    browser.type("reason", REASONS[language])
    assert "欧阳娜" in browser.press("#content-main [type=submit]")
    shot("reveal", 520)

    browser.open(page("auditevent"))
    shot("trail", 760)
    browser.open(page("hourlystatistic"))
    shot("overview", 1560)
    assert browser.complaints() == []
