"""FOUR_EYES: a plain export is asked for by one, released by another, and run once, by the first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.conftest import at_once
from tests.console import REQUESTS, page, staff
from tests.lying_wechat import NAME
from wx_realname.exceptions import InvalidRequest, NotFound, PermissionDenied, RealNameError
from wx_realname.models import AuditEvent, ExportRequest, Verification
from wx_realname.services import export
from wx_realname.services.disclosure import approval
from wx_realname.services.disclosure.approval import NotReleased

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
EXPORT = page("verification", "export")
PLAIN = {"content": "plain", "reason": "yearly report", "case_number": "B-7"}


@pytest.fixture(autouse=True)
def _four_eyes(configure: Configure) -> None:
    configure(FOUR_EYES=True)


def officer(name: str, *more: str) -> Client:
    return staff("view_verification", "export_plaintext", *more, username=name)


def run(actor: Any, **filters: str) -> int:
    rows = Verification.objects.all()
    return len(list(export(rows, actor=actor, plain=True, reason="a test", filters=filters)))


def events(*names: str) -> list[tuple[str, str]]:
    kept = AuditEvent.objects.filter(event__in=names).order_by("created_at")
    return [(event.event, User.objects.get(pk=event.actor_id).username) for event in kept]


def asked(by: Any, *, released_by: Any = None, chosen: str = "all") -> ExportRequest:
    request = approval.ask(actor=by, reason="a test", chosen=chosen)
    if released_by:
        approval.release(request.pk, actor=released_by)
    return request


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


def test_a_workbook_waits_for_the_same_release(row: Verification) -> None:
    first, second = officer("first"), officer("second")
    workbook = {**PLAIN, "file": "xlsx"}
    assert first.post(EXPORT, workbook).status_code == 302
    second.post(REQUESTS, {"request": ExportRequest.objects.get().pk})
    assert first.post(EXPORT, workbook).content.startswith(b"PK")
    for file in ("xlsx", "csv"):  # one release, one file
        assert first.post(EXPORT, {**PLAIN, "file": file}).status_code == 302


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
    request = asked(user, released_by=stranger, chosen="status=verified")
    with pytest.raises(NotFound):
        approval.release(request.pk, actor=stranger)
    for wrong in (lambda: run(stranger, status="verified"), lambda: run(user)):
        with pytest.raises(NotReleased):
            wrong()
    assert run(user, status="verified") == 1
    with pytest.raises(NotReleased):
        run(user, status="verified")


def test_a_masked_export_waits_for_nobody(row: Verification, user: Any) -> None:
    assert len(list(export(Verification.objects.all(), actor=user, plain=False))) == 1


def test_filters_that_only_begin_alike_are_others(user: Any, stranger: Any) -> None:
    """They were cut at 255 characters: what came after wasn't compared."""
    with pytest.raises(InvalidRequest):
        asked(user, chosen="x" * 300)
    long = "m" * 120
    asked(user, released_by=stranger, chosen=f"a={long}")
    with pytest.raises(NotReleased):
        run(user, a=long + "n" * 300)


def test_a_day_ends_a_request_and_a_release(user: Any, stranger: Any) -> None:
    late = timezone.now() - timedelta(days=1, seconds=1)
    request = asked(user)
    ExportRequest.objects.update(asked_at=late)
    with pytest.raises(NotFound):
        approval.release(request.pk, actor=stranger)
    asked(user, released_by=stranger)
    ExportRequest.objects.update(released_at=late)
    with pytest.raises(NotReleased):
        run(user)
    assert {approval.state_of(each) for each in ExportRequest.objects.all()} == {"expired"}


# --- whoever can write to the database, and has no key ----------------------------------------


RELEASED = "UPDATE wx_realname_exportrequest SET released_by = %s, released_at = %s"


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def moment(**ago: float) -> Any:
    field = ExportRequest._meta.get_field("released_at")
    return field.get_db_prep_value(timezone.now() - timedelta(**ago), connection)


def a_release_made_up(first: User, second: User) -> None:
    asked(first)
    sql(RELEASED, second.pk, moment())


def a_release_made_up_with_its_event(first: User, second: User) -> None:
    """The event of the asking, turned into one of the release."""
    asked(first)
    at = moment()
    sql(RELEASED, second.pk, at)
    sql(
        "UPDATE wx_realname_auditevent SET event = 'export_released', actor_id = %s, created_at = %s "
        "WHERE event = 'export_requested'",
        second.pk,
        at,
    )


def a_release_with_other_filters(first: User, second: User) -> None:
    asked(first, released_by=second, chosen="status=verified")
    sql("UPDATE wx_realname_exportrequest SET filters = 'all'")


def a_release_of_another_officers_request(first: User, second: User) -> None:
    asked(second, released_by=first)
    sql("UPDATE wx_realname_exportrequest SET actor_id = %s, released_by = %s", first.pk, second.pk)


def a_release_that_is_over_made_fresh(first: User, second: User) -> None:
    asked(first, released_by=second)
    sql("UPDATE wx_realname_exportrequest SET released_at = %s", moment(hours=-1))


def a_release_of_another_request(first: User, second: User) -> None:
    asked(first, released_by=second, chosen="status=verified")
    asked(first)
    sql(
        "UPDATE wx_realname_exportrequest SET released_by = %s, released_at = "
        "(SELECT created_at FROM wx_realname_auditevent WHERE event = 'export_released') "
        "WHERE filters = 'all'",
        second.pk,
    )


FORGERIES = (
    a_release_made_up,
    a_release_made_up_with_its_event,
    a_release_with_other_filters,
    a_release_of_another_officers_request,
    a_release_that_is_over_made_fresh,
    a_release_of_another_request,
)


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_request_that_is_released_by_sql_alone_runs_nothing(
    row: Verification, forge: Callable[[User, User], None], caplog: Any
) -> None:
    clerk = officer("first")
    officer("second")
    forge(User.objects.get(username="first"), User.objects.get(username="second"))
    answer = clerk.post(EXPORT, PLAIN)
    assert answer.status_code == 302 and NAME not in answer.content.decode()
    assert not AuditEvent.objects.filter(event__startswith="export_part").exists()
    assert not AuditEvent.objects.filter(event="export").exists()
    assert AuditEvent.objects.get(event="contradiction").reason.startswith("request ")
    assert "contradicts its trail" in caplog.text


def test_a_run_that_sql_undoes_is_not_run_again(row: Verification) -> None:
    first, second = officer("first"), officer("second")
    first.post(EXPORT, PLAIN)
    second.post(REQUESTS, {"request": ExportRequest.objects.get().pk})
    assert NAME in b"".join(first.post(EXPORT, PLAIN).streaming_content).decode()  # type: ignore[attr-defined]
    sql("UPDATE wx_realname_exportrequest SET used_at = NULL")
    assert first.post(EXPORT, PLAIN).status_code == 302
    assert AuditEvent.objects.filter(event="export").count() == 1


def test_what_sql_made_of_a_request_is_not_released(user: Any, stranger: Any) -> None:
    request = asked(user, chosen="status=verified")
    sql("UPDATE wx_realname_exportrequest SET filters = 'all'")
    with pytest.raises(NotFound):
        approval.release(request.pk, actor=stranger)
    assert not AuditEvent.objects.filter(event="export_released").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_runs_at_once_one_is_let_through() -> None:
    users = [get_user_model().objects.create_user(username=name) for name in ("one", "two")]
    asked(users[0], released_by=users[1])
    came = at_once(*[lambda: approval.use(actor=users[0], chosen="all")] * 16)
    assert len([each for each in came if isinstance(each, RealNameError)]) == 15
    assert len([each for each in came if not isinstance(each, Exception)]) == 1
