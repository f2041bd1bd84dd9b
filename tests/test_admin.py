"""The console: it looks, and changes nothing; masked values only, nothing is decrypted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import AUTH_TOKEN, brought_to, outcome
from tests.console import page, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import exchange, reveal

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
MODELS = ("verification", "auditevent")
WRITES = ("add", "change", "delete")


@pytest.fixture
def clerk() -> Client:
    """May look at both."""
    return staff("view_verification", "view_auditevent")


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def row(liar: LyingWeChat, user: Any) -> Verification:
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    reveal(row, actor=user, reason="case 4711")
    return row


def one_of(model: str) -> Any:
    return (Verification if model == "verification" else AuditEvent).objects.first()


def test_the_lists_and_pages_show_masked_values(clerk: Client, row: Verification) -> None:
    for address in (page("verification"), page("verification", row.pk, "change")):
        answer = clerk.get(address)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "**娜" in text and "4****************3" in text
        assert NAME not in text and NUMBER not in text
    trail = clerk.get(page("auditevent")).content.decode()
    assert "exchange ended" in trail and "personal data revealed" in trail
    event = AuditEvent.objects.get(event="reveal")
    assert "case 4711" in clerk.get(page("auditevent", event.pk, "change")).content.decode()


@pytest.mark.parametrize("status", ["pending", "erased", "rejected", "failed", "unknown"])
def test_every_status_has_its_page(
    clerk: Client, liar: LyingWeChat, user: Any, stranger: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    outcome(stranger)
    for address in (page("verification"), page("verification", row.pk, "change")):
        for language in ("en", "zh-hans"):
            assert clerk.get(address, headers={"Accept-Language": language}).status_code == 200
    for event in AuditEvent.objects.all():
        assert clerk.get(page("auditevent", event.pk, "change")).status_code == 200


def test_nothing_is_decrypted_nor_even_fetched(
    clerk: Client, row: Verification, configure: Configure
) -> None:
    configure(ENCRYPTION_KEYS=["other:AES-256-GCM:" + "B" * 43 + "="])
    with CaptureQueriesContext(connection) as queries:
        for address in (page("verification"), page("verification", row.pk, "change")):
            assert clerk.get(address).status_code == 200
    assert not [query["sql"] for query in queries if "_encrypted" in query["sql"]]
    assert len([query for query in queries if "wx_realname_verification" in query["sql"]]) >= 2


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_list_takes_no_more_queries(
    clerk: Client, liar: LyingWeChat, user: Any, model: str
) -> None:
    counts = []
    for upto in (1, 6):
        for number in range(upto):
            exchange(user=user, auth_token=f"{upto}-{number}")
        with CaptureQueriesContext(connection) as queries:
            clerk.get(page(model))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("model", MODELS)
def test_even_a_superuser_adds_changes_and_deletes_nothing(
    root: Client, row: Verification, model: str, write: str
) -> None:
    before = list(Verification.objects.values()), list(AuditEvent.objects.order_by("id").values())
    parts = [write] if write == "add" else [one_of(model).pk, write]
    answer = root.post(page(model, *parts), {"post": "yes", "status": "erased", "_save": "1"})
    assert answer.status_code == 403
    refused = AuditEvent.objects.filter(event="permission_refused")
    assert [event.actor_id for event in refused] == [str(User.objects.get(username="root").pk)]
    after = AuditEvent.objects.exclude(event="permission_refused").order_by("id")
    assert (list(Verification.objects.values()), list(after.values())) == before


@pytest.mark.parametrize("model", MODELS)
def test_there_is_no_way_to_delete_many(root: Client, row: Verification, model: str) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [one_of(model).pk], "post": "yes"}
    root.post(page(model), chosen)
    assert Verification.objects.count() == 1 and AuditEvent.objects.count() == 2
    text = root.get(page(model)).content.decode()
    assert "delete_selected" not in text and page(model, "add") not in text


@pytest.mark.parametrize("model", MODELS)
def test_who_may_not_look_is_refused(row: Verification, model: str) -> None:
    other = {"verification": "view_auditevent", "auditevent": "view_verification"}[model]
    client, pk = staff(other), one_of(model).pk
    for address in (page(model), page(model, pk, "change"), page(model, pk, "history")):
        assert client.get(address).status_code == 403
        assert Client().get(address).status_code == 302


def test_the_only_permissions_are_those_of_the_interface() -> None:
    found = Permission.objects.filter(content_type__app_label="wx_realname")
    assert set(found.values_list("codename", flat=True)) >= {
        "view_verification",
        "view_auditevent",
        "reveal_verification",
        "export_plaintext",
    }
    assert not found.filter(codename__regex="^(add|change|delete)_").exists()


def test_a_user_with_records_can_be_deleted_in_the_console(
    root: Client, row: Verification, user: Any
) -> None:
    address = f"/admin/auth/user/{user.pk}/delete/"
    asked = root.get(address)
    assert (asked.status_code, NAME in asked.content.decode()) == (200, False)
    assert root.post(address, {"post": "yes"}).status_code == 302
    row.refresh_from_db()
    assert (row.user_id, row.status, row.real_name_masked) == (None, "erased", None)
    assert AuditEvent.objects.filter(event="erase").count() == 1


def test_numbers_and_names_are_no_search_terms(clerk: Client, row: Verification) -> None:
    """A number in a URL would be in every access log: the list offers no GET search."""
    text = clerk.get(page("verification")).content.decode()
    assert 'id="searchbar"' not in text and "**娜" in text


def test_a_page_that_is_not_there_is_no_error(clerk: Client, row: Verification) -> None:
    for model in MODELS:
        assert clerk.get(page(model, "no-uuid", "change")).status_code == 302
        assert clerk.get(page(model), {"p": 7}).status_code in (200, 302)
