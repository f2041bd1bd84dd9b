"""The console and the citizen's rights: notices, consents, copies at the counter, whom somebody reached."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, number_of
from tests.console import FIND, page, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, identity
from wx_realname import audit
from wx_realname.models import AuditEvent, Notice, Verification
from wx_realname.services import exchange, withdraw
from wx_realname.services.rights.accesses import accesses_of, describe

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]

AFFECTED = page("auditevent", "affected")


@pytest.fixture
def row(liar: LyingWeChat, user: Any, notice: Notice) -> Verification:
    return exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)


def today(days: int = 0) -> str:
    return f"{timezone.localdate() + timedelta(days=days):%Y-%m-%d}"


def days(first: int = 0, last: int = 0, **fields: str) -> dict[str, str]:
    return {"account": "clerk", "first_day": today(first), "last_day": today(last)} | fields


# --- notices and consents ---------------------------------------------------------------------


def test_notices_and_consents_are_lists_to_look_at(row: Verification, notice: Notice) -> None:
    clerk = staff("view_notice", "view_consent")
    notices = clerk.get(page("notice")).content.decode()
    assert notice.title in notices and notice.version in notices
    shown = clerk.get(page("notice", notice.pk, "change")).content.decode()
    assert notice.text in shown and notice.sha256 in shown
    consents = clerk.get(page("consent")).content.decode()
    assert f"/{row.consent_id}/change/" in consents and str(row.pk) in consents
    one = clerk.get(page("consent", row.consent_id, "change")).content.decode()
    assert notice.sha256 in one and "127.0.0.1" not in one and "citizen" in one
    for model, pk in (("notice", notice.pk), ("consent", row.consent_id)):
        assert clerk.get(page(model, "add")).status_code == 403
        assert clerk.post(page(model, pk, "delete"), {"post": "yes"}).status_code == 403
        assert clerk.post(page(model, pk, "change"), {"purpose": "x"}).status_code == 403
        assert staff(username=f"no-{model}").get(page(model)).status_code == 403
    assert clerk.get(page("consent"), {"since": today(), "until": today()}).status_code == 200
    assert (
        str(row.pk)
        not in clerk.get(page("consent"), {"since": today(-1), "until": today(-1)}).content.decode()
    )


def test_a_withdrawal_is_shown(row: Verification, user: Any) -> None:
    from wx_realname.models import Consent

    consent = Consent.objects.select_related("notice").get()
    withdraw(consent, user=user)
    text = staff("view_consent").get(page("consent")).content.decode()
    consent.refresh_from_db()
    assert f"{timezone.localtime(consent.withdrawn_at):%Y-%m-%d %H:%M:%S}" in text


def test_a_page_of_consents_takes_the_same_queries_however_many(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    clerk = staff("view_consent")

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            clerk.get(page("consent"))
        return len(asked)

    counts = set()
    for n in range(1, 6):
        exchange(user=user, auth_token=f"token-{n}", notice=notice.pk)
        counts.add(queries())
    assert len(counts) == 1


# --- a copy at the counter --------------------------------------------------------------------


def test_an_officer_gives_a_copy_with_a_reason_and_the_citizen_sees_it(
    row: Verification, user: Any
) -> None:
    clerk, address = staff("reveal_verification"), page("verification", row.pk, "copy")
    assert NAME not in clerk.get(address).content.decode()
    answer = clerk.post(address, {"reason": "asked for at counter 3"})
    text = answer.content.decode()
    assert NAME in text and NUMBER in text and "no-store" in answer.headers["Cache-Control"]
    (event,) = AuditEvent.objects.filter(event="copy")
    assert (event.reason, event.records, event.verification_id) == (
        "asked for at counter 3",
        1,
        row.pk,
    )
    (told,) = describe(accesses_of(row), user)
    assert (told.what, told.reason) == ("copy", "asked for at counter 3")
    assert list(audit.faults([], lambda what, count: None)) == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 256, f"it is {NUMBER}"])
def test_without_a_proper_reason_no_copy_is_given(row: Verification, reason: str) -> None:
    clerk = staff("reveal_verification")
    text = clerk.post(page("verification", row.pk, "copy"), {"reason": reason}).content.decode()
    assert NAME not in text and "errorlist" in text
    assert not AuditEvent.objects.filter(event="copy").exists()


def test_a_copy_wants_the_permission_to_reveal(row: Verification) -> None:
    clerk = staff("view_verification", "view_auditevent")
    address = page("verification", row.pk, "copy")
    assert clerk.post(address, {"reason": "case 1"}).status_code == 403
    (event,) = AuditEvent.objects.filter(event="permission_refused")
    assert event.verification_id == row.pk
    assert "/copy/" not in clerk.get(page("verification", row.pk, "change")).content.decode()
    officer = staff("view_verification", "reveal_verification", username="officer")
    assert "/copy/" in officer.get(page("verification", row.pk, "change")).content.decode()


@pytest.mark.parametrize("way", ["copy", "reveal"])
@pytest.mark.parametrize(("age", "minor"), [(18, False), (17, True)])
def test_a_look_at_somebody_under_18_is_marked(
    liar: LyingWeChat, user: Any, way: str, age: int, minor: bool
) -> None:
    liar.play(identity(NAME, number_of(age)))
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    clerk = staff("reveal_verification", "view_auditevent")
    clerk.post(page("verification", row.pk, way), {"reason": "case 1"})
    event = AuditEvent.objects.get(event=way)
    assert event.minor is minor
    shown = clerk.get(page("auditevent", event.pk, "change")).content.decode()
    assert re.search(rf"Under 18:</label>\s*<div[^>]*>{'yes' if minor else 'no'}<", shown)


@pytest.mark.parametrize("way", ["copy", "reveal"])
def test_nothing_is_told_of_a_record_that_contradicts_its_trail(
    row: Verification, way: str
) -> None:
    Verification.objects.filter(pk=row.pk).update(real_name_masked="*三")
    clerk = staff("reveal_verification")
    answer = clerk.post(page("verification", row.pk, way), {"reason": "case 1"})
    assert NAME not in answer.content.decode() and "errornote" in answer.content.decode()
    assert not AuditEvent.objects.filter(event=way).exists()


# --- whom an account reached ------------------------------------------------------------------


def test_the_officer_in_charge_sees_whom_an_account_reached(
    row: Verification, liar: LyingWeChat, stranger: Any
) -> None:
    other = exchange(user=stranger, auth_token="another-token")  # the same person
    clerk = staff("view_verification", "reveal_verification")
    clerk.post(page("verification", row.pk, "reveal"), {"reason": "case 1"})
    clerk.post(FIND, {"credential_id": NUMBER})
    head = staff("view_auditevent", "view_verification", username="head")
    text = head.post(AFFECTED, days()).content.decode()
    assert "2 records were reached" in text and "1 person" in text
    assert str(row.pk) in text and str(other.pk) in text and NAME not in text
    number = str(User.objects.get(username="clerk").pk)
    assert "2 records were" in head.post(AFFECTED, days(account=number)).content.decode()
    for nobody in (days(-9, -1), days(account="head"), days(account="nobody")):
        assert "0 records were reached" in head.post(AFFECTED, nobody).content.decode()
    file = head.post(AFFECTED, days() | {"file": "1"})
    assert file["Content-Type"].startswith("text/csv")
    lines = b"".join(file.streaming_content).decode("utf-8-sig").split()  # type: ignore[attr-defined]
    assert lines[0] == "verification" and set(lines[1:]) == {str(row.pk), str(other.pk)}


def test_whom_an_account_reached_wants_the_trails_permission(row: Verification) -> None:
    clerk = staff("view_verification", "reveal_verification")
    assert clerk.post(AFFECTED, days()).status_code == 403
    (event,) = AuditEvent.objects.filter(event="permission_refused")
    assert event.reason == "wx_realname.view_auditevent"
    head = staff("view_auditevent", username="head")
    assert AFFECTED in head.get(page("auditevent")).content.decode()


@pytest.mark.parametrize(
    "fields", [{"account": ""}, {"first_day": "soon"}, {"last_day": "2020-01-01"}]
)
def test_what_cannot_be_looked_for_is_said(row: Verification, fields: dict[str, str]) -> None:
    text = staff("view_auditevent").post(AFFECTED, days(**fields)).content.decode()
    assert "errorlist" in text and "reached;" not in text
