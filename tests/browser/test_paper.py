"""The console's pages on paper: whole, from the first page on, without what only a screen needs."""

from __future__ import annotations

import base64
import io
import unicodedata
from pathlib import Path

import pytest

from tests.browser.conftest import Browser
from tests.browser.test_screenshots import service  # noqa: F401 - a fixture
from tests.console import page, records
from wx_realname.models import Verification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def printed(browser: Browser, folder: Path, name: str) -> list[str]:
    """The open page as a PDF: the text of each sheet, with an id's "ff" as two letters, not as one."""
    from pypdf import PdfReader

    options = {"printBackground": False, "paperWidth": 8.27, "paperHeight": 11.69}
    data = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", options)["data"])
    (folder / f"{name}.pdf").write_bytes(data)
    sheets = PdfReader(io.BytesIO(data)).pages
    return [
        unicodedata.normalize("NFKC", " ".join(sheet.extract_text().split())) for sheet in sheets
    ]


def test_list_record_trail_and_overview_print_whole(
    browser: Browser,
    service: Verification,  # noqa: F811
    tmp_path: Path,
) -> None:
    records(40, created_at=service.created_at, error_code="misconfigured")
    browser.log_in("officer")

    browser.open(page("verification"))
    sheets = printed(browser, tmp_path, "list")
    assert "94006" in sheets[0] and " ".join(sheets).count("94006") == 40
    assert "By status" not in " ".join(sheets)

    browser.open(page("verification", service.pk, "change"))
    sheets = printed(browser, tmp_path, "record")
    assert str(service.pk) in " ".join(sheets), "the technical fields fold on a screen only"

    browser.open(page("auditevent"))
    sheets = printed(browser, tmp_path, "trail")
    assert "exchange ended" in sheets[0]

    browser.open(page("hourlystatistic"))
    sheets = printed(browser, tmp_path, "overview")
    assert "The last 30 days, by day" in sheets[0] and "rejected" in sheets[0]
    assert "merchant certificates" in " ".join(sheets).lower()
