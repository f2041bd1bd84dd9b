"""The export: masked or plain, recorded before and after, streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, brought_to, frames
from tests.console import page, records, staff, trail
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, identity
from wx_realname.admin import spreadsheet
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.services import exchange, keyset
from wx_realname.services.disclosure import export as exporting

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
EXPORT = page("verification", "export")
MASKED = {"content": "masked", "reason": ""}
PLAIN = {"content": "plain", "reason": "case 4711"}


@pytest.fixture
def officer() -> Client:
    return staff("view_verification", "export_plaintext")


def text_of(answer: Any) -> str:
    assert answer.streaming, answer.content.decode()
    return b"".join(answer.streaming_content).decode()


def table(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(answer).removeprefix("\ufeff"))))


def test_a_masked_export_shows_what_the_list_shows(row: Verification) -> None:
    answer = staff("view_verification").post(EXPORT, MASKED)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="verifications-')
    assert "no-store" in answer.headers["Cache-Control"]
    (line,) = table(answer)
    assert (line["real name"], line["ID number"]) == ("**娜", "4****************3")
    assert (line["status"], line["id"]) == ("verified", str(row.pk))
    assert trail()[0] == ("export", "masked; all; ")


def test_a_plain_export_shows_all_and_is_harmless_in_a_spreadsheet(
    liar: LyingWeChat, user: Any, officer: Client
) -> None:
    formula = "=cmd|' /C calc'!A0"
    liar.play(identity(name=formula))
    exchange(user=user, auth_token=AUTH_TOKEN)
    text = text_of(officer.post(EXPORT, PLAIN))
    assert f'"\'{formula}","\'{NUMBER}"' in text and text.count("=cmd") == 1


def test_both_ends_of_an_export_are_recorded(row: Verification, officer: Client) -> None:
    day = f"{timezone.localtime(row.created_at):%Y-%m-%d}"
    answer = officer.post(f"{EXPORT}?status=verified&since={day}&until={day}", PLAIN)
    begun = f"plain; since={day}, until={day}, status=verified; case 4711"
    assert trail() == [("export", begun)]  # before the first row is read
    text_of(answer)
    event = AuditEvent.objects.get(event="export")
    assert trail()[1] == ("export_ended", f"rows: 1, complete; export {event.pk}")
    assert event.actor_id and event.ip_address == "127.0.0.1"


def test_each_kind_of_export_needs_its_own_permission(row: Verification) -> None:
    clerk = staff("view_verification", "reveal_verification", "erase_verification")
    exporter = staff("export_plaintext", username="exporter")
    other = staff("reveal_verification", username="other")
    for client, data in ((clerk, PLAIN), (exporter, MASKED)):
        answer = client.post(EXPORT, data)
        assert not answer.streaming and NAME not in answer.content.decode()
    assert other.get(EXPORT).status_code == 403
    assert 'value="plain"' not in clerk.get(EXPORT).content.decode()
    assert "permission_refused" in [event for event, _ in trail()]
    assert table(exporter.post(EXPORT, PLAIN))[0]["real name"] == NAME


def test_only_what_the_filters_leave_is_exported(officer: Client) -> None:
    records(5)
    records(3, first=10, status="rejected", errcode=94004)
    assert len(table(officer.post(f"{EXPORT}?status=rejected", MASKED))) == 3
    assert len(table(officer.post(EXPORT, MASKED))) == 8
    assert "Status: rejected" in officer.get(f"{EXPORT}?status=rejected").content.decode()


def test_erased_records_have_empty_cells(liar: LyingWeChat, user: Any, officer: Client) -> None:
    brought_to("erased", liar, user)
    (line,) = table(officer.post(EXPORT, PLAIN))
    assert (line["real name"], line["ID number"]) == ("", "")


def test_a_record_that_does_not_open_stops_no_other(
    row: Verification, liar: LyingWeChat, stranger: Any, officer: Client
) -> None:
    exchange(user=stranger, auth_token="another-token")
    Verification.objects.filter(pk=row.pk).update(credential_id_encrypted=None)
    broken = Verification.objects.exclude(pk=row.pk).get()
    stored = Verification.objects.get(pk=row.pk).real_name_encrypted
    Verification.objects.filter(pk=broken.pk).update(real_name_encrypted=stored)
    lines = {line["id"]: line["real name"] for line in table(officer.post(EXPORT, PLAIN))}
    assert lines[str(broken.pk)] == "(can't be read)" and len(lines) == 2


def test_headers_are_in_the_clerks_language(officer: Client) -> None:
    records(1)
    answer = officer.post(EXPORT, MASKED, headers={"Accept-Language": "zh-hans"})
    text = text_of(answer)
    assert text.startswith('\ufeff"创建时间') and "身份证号" in text and "失败" in text


def test_rows_are_read_as_they_are_sent(officer: Client, notice: Notice, monkeypatch: Any) -> None:
    """A batch in memory at a time: no more queries than the reader has asked for, and none for one row."""
    monkeypatch.setattr(exporting, "BATCH", 10)
    monkeypatch.setattr(spreadsheet, "_LINES", 10)
    consent = Consent.objects.create(notice=notice, given_at=timezone.now())
    records(95, consent=consent)
    answer = officer.post(EXPORT, MASKED)
    chunks = iter(answer.streaming_content)
    reads = []
    for _ in range(9):
        with CaptureQueriesContext(connection) as queries:
            next(chunks)
        reads.append(len([q for q in queries if "wx_realname_verification" in q["sql"]]))
        assert not [q for q in queries if "wx_realname_consent" in q["sql"]]
    assert max(reads) <= 2
    rest = b"".join(chunks)
    assert rest.count(b"\r\n") <= 20
    assert trail()[-1][1].startswith("rows: 95, complete")


@pytest.mark.django_db(transaction=True)
def test_an_export_that_is_cut_short_says_how_far_it_came(
    officer: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(spreadsheet, "_LINES", 10)
    records(95)
    answer = officer.post(EXPORT, MASKED)
    next(iter(answer.streaming_content))
    answer.close()
    (event, reason) = trail()[-1]
    assert event == "export_ended" and reason.startswith("rows: 10, cut short")


@pytest.mark.parametrize("file", ["csv", "xlsx"])
def test_an_export_that_fails_on_its_way_tells_nothing(
    row: Verification, officer: Client, stranger: Any, monkeypatch: Any, file: str
) -> None:
    exchange(user=stranger, auth_token="another-token")
    opened = Verification.personal_data
    monkeypatch.setattr(
        Verification,
        "personal_data",
        lambda self: opened(self) if self.user_id == stranger.pk else 1 / 0,
    )
    with pytest.raises(ZeroDivisionError) as failed:
        text_of(officer.post(EXPORT, PLAIN | {"file": file}))
    told = " ".join(frames(failed.value))
    assert "spreadsheet" in told and NAME not in told and NUMBER not in told
    assert trail()[-1][1].startswith("rows: 1, cut short")


def test_batches_are_complete_and_ordered_while_rows_are_added() -> None:
    records(50)
    seen = []
    for number, found in enumerate(
        chain.from_iterable(keyset.batches(Verification.objects.all(), 7))
    ):
        seen.append(found.pk)
        if number % 10 == 0:
            records(3, first=1000 + 10 * number)
    assert len(seen) == len(set(seen)) == 50
    assert exporting.BATCH <= 10_000
