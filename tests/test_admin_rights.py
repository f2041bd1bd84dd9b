"""The console and the citizen's rights: notices, consents, copies at the counter, whom somebody reached."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, number_of
from tests.console import AFFECTED, FIND, page, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, identity
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.services import exchange, withdraw

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]


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
    for day, listed in ((today(), True), (today(-1), False)):
        text = clerk.get(page("consent"), {"since": day, "until": day}).content.decode()
        assert (str(row.pk) in text) is listed


def test_a_withdrawal_is_shown(row: Verification, user: Any) -> None:
    consent = Consent.objects.select_related("notice").get()
    withdraw(consent, user=user)
    text = staff("view_consent").get(page("consent")).content.decode()
    consent.refresh_from_db()
    assert f"{timezone.localtime(consent.withdrawn_at):%Y-%m-%d %H:%M:%S}" in text


# --- plain text: a reveal, and a copy at the counter ------------------------------------------


@pytest.mark.parametrize(("age", "minor"), [(18, "no"), (17, "yes")])
def test_a_look_at_somebody_under_18_is_marked(
    liar: LyingWeChat, user: Any, age: int, minor: str
) -> None:
    liar.play(identity(NAME, number_of(age)))
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    clerk = staff("reveal_verification", "view_auditevent")
    for way in ("copy", "reveal"):
        clerk.post(page("verification", row.pk, way), {"reason": "case 1"})
        event = AuditEvent.objects.get(event=way)
        assert event.minor is (minor == "yes")
        shown = clerk.get(page("auditevent", event.pk, "change")).content.decode()
        assert re.search(rf"Under 18:</label>\s*<div[^>]*>{minor}<", shown)


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
    assert AFFECTED in head.get(page("auditevent")).content.decode()
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


def test_what_cannot_be_looked_for_is_said(row: Verification) -> None:
    head = staff("view_auditevent")
    for fields in ({"account": ""}, {"first_day": "soon"}, {"last_day": "2020-01-01"}):
        text = head.post(AFFECTED, days(**fields)).content.decode()
        assert "errorlist" in text and "reached;" not in text
