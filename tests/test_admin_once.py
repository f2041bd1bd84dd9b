"""Forms that act once, name the person, and lose nothing that was typed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory

from tests.cases import each
from tests.console import EVERY, actions, page, records, staff, trail
from tests.lying_wechat import NAME, NUMBER
from tests.trail import faults
from wx_realname.admin import csrf, export_pages, spreadsheet
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import exchange
from wx_realname.services.disclosure import approval
from wx_realname.services.disclosure import export as exporting

pytestmark = pytest.mark.django_db
EXPORT = page("verification", "export")
PLAIN = {"content": "plain", "reason": "case 4711", "case_number": "A-1"}


@pytest.fixture
def officer() -> Client:
    return staff(*EVERY)


def filled(client: Client, address: str, **typed: str) -> dict[str, str]:
    """The form as it came, with what is typed."""
    text = client.get(address).content.decode()
    found = re.search(r'name="once" value="([^"]+)"', text)
    assert found and NAME not in text
    return {"once": found[1], **typed}


def read(answer: Any) -> str:
    return b"".join(answer).decode()


@pytest.mark.parametrize("action", ["reveal", "copy", "export"])
def test_plain_text_is_shown_once_for_a_reason_and_a_form_sent_again_does_nothing(
    officer: Client, row: Verification, action: str
) -> None:
    _needed, address, data = actions(row)[action]
    form, other = filled(officer, address, **data), staff(*EVERY, username="other")
    answer = officer.post(address, form)
    text, recorded = read(answer), trail()
    assert NAME in text and NUMBER in text and "no-store" in answer.headers["Cache-Control"]
    assert (recorded[0][0], recorded[0][1][-6:]) == (action, "case 1")
    for client, once, words in (
        (officer, form["once"], "was sent before"),
        (officer, "forged", "out of date"),
        (other, form["once"], "out of date"),
    ):
        text = read(client.post(address, form | {"once": once}))
        assert words in text and "Error:" in text and NAME not in text and NUMBER not in text
    assert trail() == recorded and faults() == []
    assert NAME in read(officer.post(address, filled(officer, address, **data)))
    assert [event for event, _ in trail()] == [event for event, _ in recorded] * 2


@each("action", ["reveal", "copy", "erase"])
def test_each_form_names_the_masked_person_and_offers_a_way_back(
    officer: Client, row: Verification, action: str
) -> None:
    text = officer.get(page("verification", row.pk, action)).content.decode()
    content = text[text.index("<main") :]
    assert "**娜" in content and "4****************3" in content and "Cancel" in content
    assert NAME not in content and NUMBER not in content
    assert re.search(r"\d\d:\d\d:\d\d", content)


def sent_too_late(client: Client, address: str, **typed: str) -> str:
    """The form posted after the session ended: where it leads; nothing is done."""
    data = filled(client, address, **typed)
    client.logout()
    refused = client.post(address, data)
    assert refused.status_code == 302 and trail() == []
    return refused.headers["Location"]


def test_what_was_typed_comes_back_after_the_session_ended(
    officer: Client, row: Verification
) -> None:
    address = page("verification", row.pk, "reveal")
    login = sent_too_late(officer, address, reason="a long reason", case_number="A-1")
    assert urlsplit(login).path == "/admin/login/" and "long" not in login
    assert "What you typed is in the form again" in officer.get(login).content.decode()
    clerk = User.objects.get(username="clerk")
    clerk.set_password("secret")
    clerk.save()
    officer.post(login, {"username": "clerk", "password": "secret", "next": address})
    text = officer.get(address).content.decode()
    assert 'value="a long reason"' in text and 'value="A-1"' in text
    assert "a long reason" not in officer.get(address).content.decode()


def test_what_another_officer_typed_does_not_come_back(officer: Client, row: Verification) -> None:
    address = page("verification", row.pk, "reveal")
    sent_too_late(officer, address, reason="a long reason")
    staff(*EVERY, username="other")
    officer.force_login(User.objects.get(username="other"))
    assert "a long reason" not in officer.get(address).content.decode()


@each(
    "typed",
    [
        {"reason": f"it is {NUMBER}"},
        {"reason": f"for {NAME}"},
        {"content": NAME, "reason": "case 1"},
    ],
)
def test_nothing_personal_is_kept_of_what_was_typed(
    officer: Client, row: Verification, typed: dict[str, str]
) -> None:
    address = EXPORT if "content" in typed else page("verification", row.pk, "reveal")
    officer.force_login(User.objects.get(username="clerk"))
    sent_too_late(officer, address, **typed)
    officer.post(address, {"once": "forged", "reason": "anything"})
    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert NAME not in kept and NUMBER not in kept and "anything" not in kept


def test_erasing_twice_says_so(officer: Client, row: Verification) -> None:
    address = page("verification", row.pk, "erase")
    assert officer.post(address, {"reason": "case 1"}).status_code == 302
    for answer in (officer.get(address), officer.post(address, {"reason": "case 2"})):
        text = answer.content.decode()
        assert "were erased already, at" in text and "Back" in text and "Cancel" not in text
    assert trail() == [("erase", "case 1")]


def test_an_export_says_how_many_first_and_counts_no_further_than_needed(
    officer: Client, monkeypatch: Any
) -> None:
    records(5)
    address = page("verification", "export")
    assert "Records: 5" in officer.get(address).content.decode()
    monkeypatch.setattr(export_pages, "MOST_COUNTED", 3)
    assert "Records: more than 3" in officer.get(address).content.decode()


def test_a_request_sent_again_asks_for_nothing(
    officer: Client, row: Verification, configure: Any
) -> None:
    configure(FOUR_EYES=True)
    data = filled(officer, EXPORT, **PLAIN)
    assert officer.post(EXPORT, data).status_code == 302
    assert "was sent before" in officer.post(EXPORT, data).content.decode()
    assert AuditEvent.objects.filter(event="export_requested").count() == 1


def test_filters_too_long_for_a_request_are_refused_in_the_form(
    officer: Client, row: Verification, configure: Any, monkeypatch: Any
) -> None:
    configure(FOUR_EYES=True)
    monkeypatch.setattr(approval, "MAX_FILTERS", 10)
    text = officer.post(f"{EXPORT}?status=verified", PLAIN).content.decode()
    assert "set fewer of them" in text


def test_what_was_typed_into_an_export_comes_back_after_the_session_ended(
    officer: Client, row: Verification
) -> None:
    address = f"{EXPORT}?status=verified"
    assert "4711" not in sent_too_late(officer, address, **PLAIN)
    officer.force_login(User.objects.get(username="clerk"))
    text = officer.get(address).content.decode()
    assert 'value="case 4711"' in text and 'value="A-1"' in text
    assert re.search(r'value="plain"[^>]*checked', text)


def test_the_progress_of_an_export_is_its_own_officers(
    officer: Client, row: Verification, stranger: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(exporting, "BATCH", 1)
    monkeypatch.setattr(spreadsheet, "_LINES", 1)
    exchange(user=stranger, auth_token="another-token")
    form = officer.get(EXPORT).content.decode()
    token, shown = (
        re.findall(rf'{name}="([^"]+)"', form)[0] for name in ('name="once" value', "data-progress")
    )

    def progress(client: Client = officer) -> str:
        text = client.get(shown).content.decode()
        sentence = re.search(r'<p id="wx-progress"([^>]*)>(.*)</p>', text)
        assert sentence
        return sentence[2] + sentence[1]

    assert "begun" in progress()
    answer: Any = officer.post(EXPORT, {"once": token, "content": "masked"})
    chunks = iter(answer.streaming_content)
    next(chunks)
    assert progress() == "Sent so far: 1 of 2 records."
    monkeypatch.setattr(export_pages, "MOST_COUNTED", 1)
    assert progress() == "Sent so far: 1 of more than 1 records."
    assert "begun" in progress(staff(*EVERY, username="other"))
    b"".join(chunks)
    assert progress() == "The export is complete. Records: 2. data-ended"


def test_a_form_without_a_csrf_token_is_refused_in_the_consoles_look_and_loses_nothing(
    row: Verification, settings: Any
) -> None:
    settings.CSRF_FAILURE_VIEW = "wx_realname.admin.csrf.failure"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    staff(*EVERY)
    strict = Client(enforce_csrf_checks=True, headers={"Accept-Language": "zh-hans"})
    strict.force_login(User.objects.get(username="clerk"))
    for address in (page("verification", row.pk, "reveal"), EXPORT):
        data = filled(strict, address, reason="case 4711", content="plain")
        refused = strict.post(address, data)
        text = refused.content.decode()
        assert refused.status_code == 403 and "此表单已过期" in text and 'id="site-name"' in text
        assert trail() == [] and 'value="case 4711"' in strict.get(address).content.decode()
    for address in (f"/admin/auth/user/{row.user_id}/change/", "/admin/nowhere/"):
        assert strict.post(address, {"once": "x", "reason": "r"}).status_code == 403
    elsewhere = csrf.failure(RequestFactory().post("/elsewhere/"))
    assert elsewhere.status_code == 403 and "CSRF" in elsewhere.content.decode()
