"""axe-core finds nothing serious or critical in console, simulator and docs: in both languages and modes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command

from tests.browser.axe import violations
from tests.browser.conftest import Browser
from tests.browser.looks import colours, take
from tests.browser.phone import Phone
from tests.browser.test_screenshots import service  # noqa: F401 - a fixture
from tests.console import page
from wx_realname.models import AuditEvent, Notice, Verification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 5  # seconds until something found counts
SCHEMES = {"light": (), "dark": ("color-contrast",)}  # the rules: in dark, what colours may change


def found(driver: Any, name: str, schemes: Iterable[str], *, reload: bool = False) -> list[str]:
    """Of the open page, in these colours; reloaded where it chooses its colours once."""
    all_ = []
    for scheme in schemes:
        rules = SCHEMES[scheme]
        colours(driver, scheme)
        if reload:
            driver.refresh()
        time.sleep(0.4)  # colours fade over, and on a busy machine they take longer
        until = time.monotonic() + PATIENCE
        while (against := violations(driver, *rules)) and time.monotonic() < until:
            time.sleep(1)
        if against:
            take(driver, f"axe {name} {scheme}")
        all_ += [f"{name}, {scheme}: {each}" for each in against]
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
        "progress": page("verification", "export", event.pk, "progress"),
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


#: Colours are the same in both languages.
IN_ITS_COLOURS = pytest.mark.parametrize(
    ("language", "schemes"), [("en", ("light", "dark")), ("zh-hans", ("light",))]
)


@IN_ITS_COLOURS
def test_the_console(
    browser: Browser,
    service: Verification,  # noqa: F811
    settings: Any,
    language: str,
    schemes: tuple[str, ...],
) -> None:
    call_command("realname_notices", str(ROOT / "example_project" / "notices"), verbosity=0)
    settings.CSRF_FAILURE_VIEW = "wx_realname.admin.csrf.failure"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    browser.driver.set_window_size(1440, 1200)
    browser.speak(language)
    browser.open("/admin/login/")
    against = found(browser.driver, "login", schemes)
    browser.log_in("officer")
    for name, address in console(service).items():
        browser.open(address)
        against += found(browser.driver, name, schemes)
    browser.open(console(service)["reveal"])
    browser.type("reason", "4711")
    browser.driver.delete_cookie("csrftoken")
    assert "(403)" in browser.press("#content-main [type=submit]")
    against += found(browser.driver, "form out of date", schemes)
    for name in ("find", "reveal"):
        browser.open(console(service)[name])
        if name == "find":
            browser.type("credential_id", "440524198001010013")
        else:
            browser.type("reason", "4711")
        browser.press("#content-main [type=submit]")
        against += found(browser.driver, f"{name}, answered", schemes)
    browser.open(console(service)["export"])
    browser.driver.delete_cookie("sessionid")  # it has ended
    browser.press("#content-main [type=submit]")
    assert "/admin/login/" in browser.path()
    against += found(browser.driver, "login after the session's end", schemes)
    assert not against, "\n".join(against)


@IN_ITS_COLOURS
def test_the_simulator(phone: Phone, site: str, language: str, schemes: tuple[str, ...]) -> None:
    against: list[str] = []

    def look(name: str) -> None:
        against.extend(found(phone.driver, name, schemes))

    look("home")
    phone.tap("#authorise")
    phone.until(lambda: phone.find("#notice-agree").is_displayed())
    look("notice")
    phone.tap("#notice-link")
    look("text of the notice")
    phone.consent()
    phone.until(lambda: phone.find("#allow").is_displayed())
    look("consent of WeChat")
    phone.tap("#allow")
    phone.until(lambda: phone.find("#keypad").is_displayed())
    look("password")
    phone.type("135790")
    phone.ends("verified")
    look("verified")
    phone.tap("#to-service")
    phone.until(lambda: phone.screen() == "service")
    look("service")
    phone.tap("#withdraw")
    phone.until(lambda: phone.find("#withdrawal-agree").is_displayed())
    look("withdrawal")

    phone.open(site, language, way="check")
    phone.fill_in("李四")
    look("check")
    phone.tap("#to-city")
    phone.consent()
    phone.until(lambda: phone.find("#city-agree").is_displayed())
    look("city service")
    phone.tap("#city-agree")
    phone.ends("mismatch")
    look("failure")

    phone.open(site, language, way="face")
    phone.face()
    phone.ends("verified")
    look("face verified")
    assert not against, "\n".join(against)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built docs."""
    folder = tmp_path_factory.mktemp("docs")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(build, cwd=ROOT, env=environment, check=True, capture_output=True)
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.mark.parametrize("prefix", ["", "zh/"])
def test_the_docs(chromium: Any, docs: str, prefix: str) -> None:
    """The start page, code, a table from the code, the longest text, pictures."""
    against = []
    for name in ("", "tutorial/", "settings/", "security/", "admin/"):
        chromium.get(f"{docs}/{prefix}{name}")
        against += found(chromium, f"docs {prefix}{name}".replace("/", " "), SCHEMES, reload=True)
    assert not against, "\n".join(against)
