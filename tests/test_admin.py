"""The console: it looks, and changes nothing; masked values only, nothing is decrypted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import AUTH_TOKEN
from tests.console import actions, page, staff, trail
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.services import exchange, reveal

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
MODELS: dict[str, Any] = {
    "verification": Verification,
    "auditevent": AuditEvent,
    "notice": Notice,
    "consent": Consent,
}


@pytest.fixture
def clerk() -> Client:
    """May look at each."""
    return staff(*(f"view_{model}" for model in MODELS))


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def row(liar: LyingWeChat, user: Any, notice: Notice) -> Verification:
    row = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    reveal(row, actor=user, reason="case 4711")
    return row


@pytest.fixture
def one_of_each(row: Verification) -> dict[str, Any]:
    return {model: MODELS[model].objects.values_list("pk", flat=True)[0] for model in MODELS}


def test_the_lists_and_pages_show_masked_values(clerk: Client, row: Verification) -> None:
    """A number in a URL would be in every access log: the list offers no GET search."""
    for address in (page("verification"), page("verification", row.pk, "change")):
        answer = clerk.get(address)
        text = answer.content.decode()
        assert answer.status_code == 200 and 'id="searchbar"' not in text
        assert "**娜" in text and "4****************3" in text
        assert NAME not in text and NUMBER not in text
    trail = clerk.get(page("auditevent")).content.decode()
    assert "exchange ended" in trail and "personal data revealed" in trail
    event = AuditEvent.objects.get(event="reveal")
    assert "case 4711" in clerk.get(page("auditevent", event.pk, "change")).content.decode()


def test_nothing_is_decrypted_nor_even_fetched(
    clerk: Client, row: Verification, configure: Configure
) -> None:
    configure(ENCRYPTION_KEYS=["other:AES-256-GCM:" + "B" * 43 + "="])
    with CaptureQueriesContext(connection) as queries:
        for address in (page("verification"), page("verification", row.pk, "change")):
            assert clerk.get(address).status_code == 200
    assert not [query["sql"] for query in queries if "_encrypted" in query["sql"]]
    assert len([query for query in queries if "wx_realname_verification" in query["sql"]]) >= 2


def test_a_longer_list_takes_no_more_queries(
    clerk: Client, row: Verification, user: Any, notice: Notice
) -> None:
    def asked() -> list[int]:
        counts = []
        for model in MODELS:
            with CaptureQueriesContext(connection) as queries:
                assert clerk.get(page(model)).status_code == 200
            counts.append(len(queries))
        return counts

    before = asked()
    for number in range(5):
        exchange(user=user, auth_token=f"token-{number}", notice=notice.pk)
    assert asked() == before


def test_even_a_superuser_adds_changes_and_deletes_nothing(
    root: Client, one_of_each: dict[str, Any]
) -> None:
    def stored() -> dict[str, Any]:
        return {name: list(model.objects.order_by("pk").values()) for name, model in MODELS.items()}

    before = stored()
    for model, pk in one_of_each.items():
        for parts in (["add"], [pk, "change"], [pk, "delete"]):
            typed = {"post": "yes", "status": "erased", "purpose": "x", "_save": "1"}
            assert root.post(page(model, *parts), typed).status_code == 403
        root.post(
            page(model), {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        )
        text = root.get(page(model)).content.decode()
        assert "delete_selected" not in text and page(model, "add") not in text
    refused = AuditEvent.objects.filter(event="permission_refused")
    who = str(User.objects.get(username="root").pk)
    assert [event.actor_id for event in refused] == [who] * 3 * len(MODELS)
    refused.delete()
    assert stored() == before


def test_who_may_not_look_is_refused_and_recorded(one_of_each: dict[str, Any]) -> None:
    every = {f"view_{model}" for model in (*MODELS, "hourlystatistic")}
    recorded = []
    for model in (*MODELS, "hourlystatistic"):
        client = staff(*(every - {f"view_{model}"}), username=f"no-{model}")
        places: list[tuple[str, list[Any]]] = [("changelist", [])]
        if model in MODELS:
            places += [(place, [one_of_each[model], place]) for place in ("change", "history")]
        for place, parts in places:
            assert client.get(page(model, *parts)).status_code == 403
            assert Client().get(page(model, *parts)).status_code == 302
            recorded.append(("permission_refused", f"wx_realname_{model}_{place}"))
    assert trail()[1:] == recorded  # after the reveal


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


def test_what_is_not_there_is_no_error(root: Client) -> None:
    gone = "00000000-0000-7000-8000-000000000000"
    for action in ("reveal", "copy", "erase"):
        _needed, address, data = actions(Verification(pk=gone))[action]
        assert root.post(address, data).status_code == 404
    for model in MODELS:
        assert root.get(page(model, "no-uuid", "change")).status_code == 302
        assert root.get(page(model), {"p": 7}).status_code in (200, 302)
