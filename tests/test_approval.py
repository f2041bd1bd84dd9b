"""FOUR_EYES: a plain export is asked for by one, released by another, and run once, by the first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests.conftest import AUTH_TOKEN
from tests.console import page, staff
from tests.lying_wechat import NAME, LyingWeChat
from wx_realname.exceptions import InvalidRequest, NotFound, PermissionDenied, RealNameError
from wx_realname.models import AuditEvent, ExportRequest, Verification
from wx_realname.services import exchange, export
from wx_realname.services.disclosure import approval
from wx_realname.services.disclosure.approval import NotReleased

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
EXPORT, REQUESTS = page("verification", "export"), page("verification", "export", "requests")
PLAIN = {"content": "plain", "reason": "yearly report", "case_number": "B-7"}


@pytest.fixture(autouse=True)
def _four_eyes(configure: Configure) -> None:
    configure(FOUR_EYES=True)


@pytest.fixture
def row(liar: LyingWeChat, user: Any) -> Verification:
    return exchange(user=user, auth_token=AUTH_TOKEN)


def officer(name: str, *more: str) -> Client:
    return staff("view_verification", "export_plaintext", *more, username=name)


def run(actor: Any, **filters: str) -> int:
    rows = Verification.objects.all()
    return len(list(export(rows, actor=actor, plain=True, reason="a test", filters=filters)))


def events(*names: str) -> list[tuple[str, str]]:
    kept = AuditEvent.objects.filter(event__in=names).order_by("created_at")
    return [(event.event, User.objects.get(pk=event.actor_id).username) for event in kept]


EXPORTS = ("export_requested", "export_released", "export", "permission_refused")


def test_two_officers_export_in_the_console(row: Verification) -> None:
    first, second = officer("first"), officer("second")
    asked = first.post(EXPORT, PLAIN)
    assert (asked.status_code, asked["Location"]) == (302, REQUESTS)
    text = first.get(REQUESTS).content.decode()
    assert "waits for another officer" in text and 'value="Release"' not in text
    id_ = ExportRequest.objects.get().pk
    text = second.get(REQUESTS).content.decode()
    assert 'value="Release"' in text and "first (" in text and "B-7" in text
    second.post(REQUESTS, {"request": id_})
    assert "second (" in first.get(REQUESTS).content.decode()
    answer = first.post(EXPORT, PLAIN)
    assert NAME in b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert events(*EXPORTS) == [
        ("export_requested", "first"),
        ("export_released", "second"),
        ("export", "first"),
    ]
    begun = AuditEvent.objects.get(event="export")
    assert f"request {id_}" in begun.reason and begun.case_number == "B-7"
    assert first.post(EXPORT, PLAIN).status_code == 302  # once: asked for anew
    assert ExportRequest.objects.count() == 2


def test_the_page_is_chinese_too(row: Verification) -> None:
    clerk = officer("first")
    clerk.post(EXPORT, PLAIN)
    clerk.cookies["django_language"] = "zh-hans"
    text = clerk.get(REQUESTS).content.decode()
    assert "明文导出申请" in text and "等待另一名工作人员放行" in text


def test_nobody_releases_a_request_of_ones_own_not_even_a_superuser(row: Verification) -> None:
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    client.post(EXPORT, PLAIN)
    request = ExportRequest.objects.get()
    client.post(REQUESTS, {"request": request.pk})
    with pytest.raises(PermissionDenied):
        approval.release(request.pk, actor=root)
    request.refresh_from_db()
    assert (request.released_at, request.released_by) == (None, "")
    assert events(*EXPORTS) == [("export_requested", "root")] + [("permission_refused", "root")] * 2
    assert client.post(EXPORT, PLAIN).status_code == 302  # still nothing is handed out


def test_without_the_permission_nothing_is_released(row: Verification) -> None:
    officer("first").post(EXPORT, PLAIN)
    clerk = staff("view_verification", username="clerk")
    for method in (clerk.get, clerk.post):
        assert method(REQUESTS, {"request": ExportRequest.objects.get().pk}).status_code == 403
    assert ExportRequest.objects.get().released_at is None


@pytest.mark.parametrize(
    "junk", ["", "x", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "0" * 5000, "\x00"]
)
def test_what_is_no_request_releases_nothing(row: Verification, junk: str) -> None:
    officer("first").post(EXPORT, PLAIN)
    assert officer("second").post(REQUESTS, {"request": junk}).status_code == 302
    assert ExportRequest.objects.get().released_at is None


def test_a_release_is_for_its_officer_and_its_filters_alone(
    row: Verification, user: Any, stranger: Any
) -> None:
    asked = approval.ask(actor=user, reason="a test", chosen="status=verified")
    approval.release(asked.pk, actor=stranger)
    for wrong in (lambda: run(stranger, status="verified"), lambda: run(user)):
        with pytest.raises(NotReleased):
            wrong()
    assert run(user, status="verified") == 1


def test_filters_that_only_begin_alike_are_others(user: Any, stranger: Any) -> None:
    """They were cut at 255 characters: what came after wasn't compared."""
    with pytest.raises(InvalidRequest):
        approval.ask(actor=user, reason="a test", chosen="x" * 300)
    long = "m" * 120
    asked = approval.ask(actor=user, reason="a test", chosen=f"a={long}")
    approval.release(asked.pk, actor=stranger)
    with pytest.raises(NotReleased):
        run(user, a=long + "n" * 300)


def test_a_day_ends_a_request_and_a_release(user: Any, stranger: Any) -> None:
    late = timezone.now() - timedelta(days=1, seconds=1)
    asked = approval.ask(actor=user, reason="a test", chosen="all")
    ExportRequest.objects.update(asked_at=late)
    with pytest.raises(NotFound):
        approval.release(asked.pk, actor=stranger)
    asked = approval.ask(actor=user, reason="a test", chosen="all")
    approval.release(asked.pk, actor=stranger)
    ExportRequest.objects.update(released_at=late)
    with pytest.raises(NotReleased):
        run(user)
    assert {approval.state_of(each) for each in ExportRequest.objects.all()} == {"expired"}


@pytest.mark.django_db(transaction=True)
def test_of_many_runs_at_once_one_is_let_through() -> None:
    users = [get_user_model().objects.create_user(username=name) for name in ("one", "two")]
    asked = approval.ask(actor=users[0], reason="a test", chosen="all")
    approval.release(asked.pk, actor=users[1])

    def attempt(_number: int) -> bool:
        try:
            approval.use(actor=users[0], chosen="all")
        except RealNameError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(attempt, range(16))).count(True) == 1
