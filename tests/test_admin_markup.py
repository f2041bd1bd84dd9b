"""The console's pages as such: a strict policy holds, a screen reader can use them, two languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.console import EVERY, FIND, REQUESTS, actions, page, staff
from wx_realname.models import AuditEvent, Verification
from wx_realname.services.disclosure import approval

pytestmark = pytest.mark.django_db


def every_page(client: Client, row: Verification, **headers: str) -> Iterator[tuple[str, str]]:
    """Each page of the console, and what each form answers."""
    event = AuditEvent.objects.first()
    approval.ask(actor=row.user, reason="a test", chosen="all")
    addresses = [page("verification"), page("auditevent"), page("verification", row.pk, "change")]
    addresses += [page("verification") + "?status=failed", page("verification", row.pk, "history")]
    addresses += [page("hourlystatistic"), page("auditevent", getattr(event, "pk", None), "change")]
    addresses.append(REQUESTS)
    for address in addresses:
        yield address, client.get(address, headers=headers).content.decode()
    for action, (_needed, address, data) in actions(row).items():
        yield address, client.get(address, headers=headers).content.decode()
        yield address, client.post(address, {"x": ""}, headers=headers).content.decode()
        if action not in ("export", "erase"):
            yield address, client.post(address, data, headers=headers).content.decode()


def test_a_strict_content_security_policy_holds_on_every_page(row: Verification) -> None:
    """Nothing inline, and nothing from elsewhere: default-src 'self' is enough."""
    for address, text in every_page(staff(*EVERY), row):
        text = re.sub(r"<(style|script)[^>]*\bsrc=\"/[^>]*>\s*</\1>", "", text)
        assert not re.search(r"<style|<script|\sstyle=|\son[a-z]+=|javascript:", text), address
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), address


def test_every_page_is_fit_for_a_screen_reader(row: Verification) -> None:
    """One h1; tables with captions; every input with a label; no id twice."""
    for address, text in every_page(staff(*EVERY), row):
        assert len(re.findall(r"<h1", text)) == 1, address
        content = text[text.index("<main") : text.index("</main>")]
        content = re.sub(r'<table id="change-history">.*?</table>', "", content, flags=re.DOTALL)
        assert content.count("<table") == content.count("<caption"), address
        shown = re.findall(r'<input type="(?:text|date|radio)"[^>]*\bid="([^"]+)"', content)
        assert all(f'for="{id_}"' in content for id_ in shown), address
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert sorted(ids) == sorted(set(ids)), address


@pytest.mark.parametrize(
    ("language", "expected", "foreign"),
    [("en", "Find a person", "查找当事人"), ("zh-hans", "查找当事人", "Find a person")],
)
def test_the_console_speaks_both_languages(
    row: Verification, language: str, expected: str, foreign: str
) -> None:
    client = staff(*EVERY)
    pages = dict(every_page(client, row, **{"Accept-Language": language}))
    assert expected in pages[page("verification")] and foreign not in pages[page("verification")]
    assert expected in pages[FIND]
    for address in (page("auditevent"), REQUESTS):
        words = re.findall("[\u4e00-\u9fff]{2,}", re.sub("<[^>]*>", "", pages[address]))
        assert bool(words) is (language == "zh-hans")
