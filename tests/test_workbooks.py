"""The export as a workbook: the same road as CSV, in memory; and what other programs read in both."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.console import page, records, staff, trail
from tests.lying_wechat import NAME, NUMBER
from tests.test_cells import CONVERTED, FORMULAS, UNTOUCHED
from wx_realname.admin import spreadsheet
from wx_realname.models import AuditAccess, AuditEvent, Verification

pytestmark = pytest.mark.django_db
EXPORT = page("verification", "export")
MASKED = {"content": "masked", "file": "xlsx"}
PLAIN = {"content": "plain", "file": "xlsx", "reason": "case 4711"}


@pytest.fixture
def officer() -> Client:
    return staff("view_verification", "export_plaintext")


def cells(workbook: bytes | Path) -> list[list[Any]]:
    """As openpyxl reads them; every cell of ours is a string."""
    from openpyxl import load_workbook  # a quarter of a second, which other processes don't need

    source = io.BytesIO(workbook) if isinstance(workbook, bytes) else workbook
    (sheet,) = load_workbook(source).worksheets
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def lines(answer: Any) -> list[dict[str, Any]]:
    header, *rows = cells(answer.content)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_workbook_holds_texts_alone_and_no_apostrophe(row: Verification, officer: Client) -> None:
    answer = officer.post(EXPORT, PLAIN)
    assert answer.headers["Content-Type"].endswith("officedocument.spreadsheetml.sheet")
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    assert "no-store" in answer.headers["Cache-Control"]
    (line,) = lines(answer)
    assert (line["real name"], line["ID number"], line["check digit holds"]) == (
        NAME,
        NUMBER,
        "yes",
    )
    assert line["user"] == str(row.user_id)
    assert {type(value) for value in line.values()} == {str, type(None)}


def test_a_workbook_leaves_the_events_and_links_that_csv_leaves(
    row: Verification, officer: Client
) -> None:
    officer.post(EXPORT, PLAIN)
    begun = AuditEvent.objects.get(event="export")
    assert trail() == [
        ("export", "plain; all; case 4711"),
        ("export_ended", f"rows: 1, complete; export {begun.pk}"),
    ]
    part = AuditEvent.objects.get(event="export_part")
    assert AuditAccess.objects.get(event_id=part.pk).verification_id == row.pk


def test_a_workbook_is_never_on_a_disk(
    row: Verification, officer: Client, monkeypatch: Any, tmp_path: Path
) -> None:
    """Whoever asks for a temporary file gets an error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert lines(officer.post(EXPORT, PLAIN))[0]["real name"] == NAME


def test_more_rows_than_a_workbook_takes_are_refused_before_anything_is_recorded(
    officer: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_IN_WORKBOOK", 3)
    records(3)
    assert len(lines(officer.post(EXPORT, MASKED))) == 3
    recorded = len(trail())
    records(1, first=10)
    text = officer.post(EXPORT, MASKED).content.decode()
    assert "There are more than 3 records" in text and "choose CSV" in text
    assert len(trail()) == recorded
    assert officer.post(EXPORT, {**MASKED, "file": "csv"}).streaming


def test_without_the_library_csv_is_all_that_is_offered(officer: Client, monkeypatch: Any) -> None:
    assert 'value="xlsx"' in officer.get(EXPORT).content.decode()
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    assert 'name="file"' not in officer.get(EXPORT).content.decode()
    assert "choose CSV" in officer.post(EXPORT, MASKED).content.decode()
    assert trail() == []


# --- read by another program ------------------------------------------------------------------

#: Of ours, what a field of the table takes.
VALUES = [*(text for text in FORMULAS if not set(text) & set("\r\n\t")), *CONVERTED, *UNTOUCHED]


@pytest.fixture
def libreoffice(tmp_path: Path) -> Any:
    """Opens files as LibreOffice does, numbers and dates recognised; gives what its cells hold."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice isn't installed (apt-get install libreoffice-calc)")

    def read(*files: Path, recognising: str = "") -> list[list[list[Any]]]:
        profile, folder = f"-env:UserInstallation={(tmp_path / 'office').as_uri()}", tmp_path / "as"
        command = [soffice, profile, "--headless", *filter(None, [recognising])]
        command += ["--convert-to", "xlsx", "--outdir", str(folder), *map(str, files)]
        subprocess.run(command, check=True, capture_output=True)
        return [cells(folder / f"{file.stem}.xlsx") for file in files]

    return read


#: Comma, quotation mark, UTF-8, from the first line; quoted fields as numbers, too, and dates.
CSV = "--infilter=CSV:44,34,76,1,,1033,false,true"


@pytest.mark.once
def test_libreoffice_and_openpyxl_read_the_same_values_in_both_files(
    officer: Client, tmp_path: Path, libreoffice: Any
) -> None:
    for number, value in enumerate(VALUES):
        records(1, first=3 * number, errmsg=value)
    workbook, text, bare = (tmp_path / name for name in ("book.xlsx", "text.csv", "bare.csv"))
    workbook.write_bytes(officer.post(EXPORT, MASKED).content)
    text.write_bytes(b"".join(officer.post(EXPORT, {"content": "masked"}).streaming_content))
    with bare.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([value] for value in VALUES)

    written = cells(workbook)
    assert libreoffice(workbook) == [written]
    column = written[0].index("WeChat message")
    assert [row[column] or "" for row in written[:0:-1]] == VALUES

    in_text, changed = libreoffice(text, bare, recognising=CSV)
    marked = [*FORMULAS, *CONVERTED]
    assert [row[column] or "" for row in in_text[:0:-1]] == [
        f"'{value}" if value in marked else value for value in VALUES
    ]
    assert [value for (value,) in changed] != VALUES  # without the apostrophes
