"""Consent over HTTP: notices, receipts, purposes, withdrawal; and who looked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from tests.conftest import AUTH_TOKEN, another
from tests.console import FIND, page, staff
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, identity, refuses
from tests.trail import faults
from wx_realname.api.permissions import RealNameVerified
from wx_realname.models import AuditEvent, Consent, Notice, Verification
from wx_realname.services import erase, exchange, reveal
from wx_realname.services.upkeep.purge import erase_outlived

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
ROOT = "/api/realname/"
TEXT = "# 个人信息处理告知书\n\n我们处理您的姓名和身份证号码。"
FRONT = "handler: 某市社会保险事业管理中心\nrecipients: 微信\nretention_days: 365"


def write(folder: Path, name: str, text: str = TEXT, front: str = FRONT) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front}\n---\n{text}\n", encoding="utf-8")
    return path


def publish(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("realname_notices", str(folder), *options, stdout=out)
    return out.getvalue()


# --- notices ----------------------------------------------------------------------------------


def test_a_notice_is_published_once_and_read_in_the_requests_language(
    tmp_path: Path, api: Api
) -> None:
    write(tmp_path, "pension/2026-01.zh-hans.md")
    write(tmp_path, "pension/2026-01.en.md", "# Notice\n\nWe process your name.")
    assert "2 notices would be published." in publish(tmp_path, "--dry-run")
    assert not Notice.objects.exists()
    assert "2 notices were published." in publish(tmp_path)
    assert "0 notices were published." in publish(tmp_path)
    address = f"{ROOT}notices/pension/"
    told = {
        language: api().get(address, headers={"Accept-Language": language}).json()
        for language in ("zh-hans", "en")
    }
    notice = Notice.objects.get(language="zh-hans")
    assert told["zh-hans"] == {
        "id": str(notice.pk),
        "purpose": "pension",
        "version": "2026-01",
        "language": "zh-hans",
        "title": "个人信息处理告知书",
        "text": TEXT,
        "sha256": notice.sha256,
        "handler": "某市社会保险事业管理中心",
        "recipients": "微信",
        "retention_days": 365,
    }
    assert told["en"]["title"] == "Notice" and told["en"]["sha256"] != notice.sha256
    for purpose in ("nothing", "%00", "a%00b"):
        missing = api().get(f"{ROOT}notices/{purpose}/")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_another_text_under_a_known_version_is_refused_with_the_difference(tmp_path: Path) -> None:
    path = write(tmp_path, "pension/1.zh-hans.md")
    publish(tmp_path)
    write(tmp_path, "pension/1.zh-hans.md", TEXT + "\n\n还有更多。")
    with pytest.raises(CommandError, match="还有更多") as refused:
        publish(tmp_path)
    assert str(path) in str(refused.value)
    assert Notice.objects.get().text == TEXT


@pytest.mark.parametrize(
    ("name", "front", "said"),
    [
        ("pension/1.md", FRONT, "isn't <purpose>"),
        ("pension/1.en.md", "recipients: nobody", "has no handler"),
        ("pension/1.en.md", f"{FRONT}\nretention_days: soon", "retention_days must be"),
        ("pension/1.en.md", "no front matter", "isn't `name: value`"),
    ],
)
def test_a_file_that_is_none_is_named_and_nothing_is_published(
    tmp_path: Path, name: str, front: str, said: str
) -> None:
    write(tmp_path, "a/1.en.md")
    path = write(tmp_path, name, front=front)
    with pytest.raises(CommandError) as refused:
        publish(tmp_path)
    assert said in str(refused.value) and str(path) in str(refused.value)
    assert not Notice.objects.exists()


# --- consents ---------------------------------------------------------------------------------


def test_each_attempt_has_a_consent_and_its_receipt(
    api: Api, liar: LyingWeChat, notice: Notice
) -> None:
    body = {"auth_token": AUTH_TOKEN, "notice": str(notice.pk)}
    record = api().post(f"{ROOT}verifications/", body).json()
    (receipt,) = api().get(f"{ROOT}consents/").json()["results"]
    consent = Consent.objects.get()
    assert receipt == {
        "id": str(consent.pk),
        "purpose": "real-name",
        "notice": {"id": str(notice.pk), "version": "2026-11", "sha256": notice.sha256},
        "given_at": receipt["given_at"],
        "withdrawn_at": None,
        "verification": record["id"],
    }
    assert record["consent"] == receipt["id"] and consent.ip_address == "127.0.0.1"
    assert AuditEvent.objects.filter(event="consent_given").get().outcome_hmac
    assert faults() == []


def test_a_retry_leaves_the_consent_of_the_attempt_before_as_it_was(
    api: Api, liar: LyingWeChat, notice: Notice
) -> None:
    body = {"auth_token": AUTH_TOKEN, "notice": str(notice.pk)}
    liar.play(refuses(94006), identity())
    id_ = api().post(f"{ROOT}verifications/", body).json()["verification"]
    (first,) = api().get(f"{ROOT}consents/").json()["results"]
    record = api().post(f"{ROOT}verifications/", body).json()
    second, kept = api().get(f"{ROOT}consents/").json()["results"]
    assert kept == first and kept["verification"] == second["verification"] == id_ == record["id"]
    assert record["consent"] == second["id"] != first["id"]
    assert AuditEvent.objects.filter(event="consent_given").count() == 2 and faults() == []


def test_a_retry_without_a_notice_is_under_no_consent(
    api: Api, liar: LyingWeChat, notice: Notice
) -> None:
    liar.play(refuses(94006), identity())
    api().post(f"{ROOT}verifications/", {"auth_token": AUTH_TOKEN, "notice": str(notice.pk)})
    record = api().post(f"{ROOT}verifications/", {"auth_token": AUTH_TOKEN}).json()
    assert (record["status"], record["consent"]) == ("verified", None)


@pytest.mark.django_db(transaction=True)
def test_where_no_record_is_reserved_no_consent_is_stored(
    api: Api, liar: LyingWeChat, notice: Notice
) -> None:
    """They are one transaction: the token is another user's."""
    body = {"auth_token": AUTH_TOKEN, "notice": str(notice.pk)}
    assert api().post(f"{ROOT}verifications/", body).status_code == 201
    answer = api("stranger").post(f"{ROOT}verifications/", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "auth_token_in_use")
    assert api("stranger").get(f"{ROOT}consents/").json()["results"] == []
    assert AuditEvent.objects.filter(event="consent_given").count() == 1 and faults() == []


def test_a_superseded_or_unknown_notice_is_refused(
    api: Api, liar: LyingWeChat, notice: Notice
) -> None:
    another(notice, version="2027-01", published_at=timezone.now() + timedelta(seconds=1))
    for wrong in (str(notice.pk), "00000000-0000-0000-0000-000000000000", "x"):
        answer = api().post(f"{ROOT}verifications/", {"auth_token": AUTH_TOKEN, "notice": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert list(answer.json()["errors"]) == ["notice"]
    assert not Verification.objects.exists() and not liar.calls


def test_where_consent_is_required_nothing_happens_without(
    api: Api, liar: LyingWeChat, configure: Callable[..., None], notice: Notice
) -> None:
    configure(CONSENT="required")
    answer = api().post(f"{ROOT}verifications/", {"auth_token": AUTH_TOKEN})
    assert (answer.status_code, answer.json()["code"]) == (403, "consent_required")
    assert not Verification.objects.exists() and not liar.calls
    body = {"auth_token": AUTH_TOKEN, "notice": str(notice.pk)}
    assert api().post(f"{ROOT}verifications/", body).status_code == 201


def permits(permission: Any, user: Any) -> str:
    request = RequestFactory().get("/")
    request.user = user
    asked = permission()
    return "ok" if asked.has_permission(request, None) else str(asked.code)


def test_a_purpose_wants_a_live_consent_and_no_new_verification(
    api: Api, liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    permission = RealNameVerified.purpose("real-name")
    assert permits(permission, user) == "real_name_required"
    refused = api().post(f"{ROOT}consents/", {"notice": str(notice.pk)})
    assert (refused.status_code, refused.json()["code"]) == (403, "real_name_required")
    exchange(user=user, auth_token=AUTH_TOKEN)
    assert permits(permission, user) == "consent_required"
    answer = api().post(f"{ROOT}consents/", {"notice": str(notice.pk)})
    assert answer.status_code == 201 and answer.json()["verification"] is None
    for _ in range(3):
        assert permits(permission, user) == "ok"
    uses = AuditEvent.objects.filter(event="use")
    assert [(event.purpose, event.records, event.reason) for event in uses] == [
        ("real-name", 1, "")
    ]
    assert faults() == []


def test_a_withdrawal_closes_services_and_erases_what_no_consent_covers(
    api: Api, liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN)  # an older twin without consent
    row = exchange(user=user, auth_token=f"{AUTH_TOKEN}-2", notice=notice.pk)
    address = f"{ROOT}consents/{row.consent_id}/withdraw/"
    assert api("stranger").post(address).status_code == 404
    for _ in range(2):
        answer = api().post(address)
        assert answer.status_code == 200 and answer.json()["withdrawn_at"]
    assert permits(RealNameVerified.purpose("real-name"), user) == "real_name_required"
    assert set(Verification.objects.values_list("status", flat=True)) == {"erased"}
    assert AuditEvent.objects.filter(event="consent_withdrawn").count() == 1
    assert faults() == []


def test_data_stays_while_another_purpose_is_consented_to(
    api: Api, liar: LyingWeChat, user: Any, notice: Notice, tmp_path: Path
) -> None:
    write(tmp_path, "pension/1.en.md")
    publish(tmp_path)
    row = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    other = Notice.objects.get(purpose="pension")
    second = api().post(f"{ROOT}consents/", {"notice": str(other.pk)}).json()
    api().post(f"{ROOT}consents/{row.consent_id}/withdraw/")
    assert Verification.objects.get().status == "verified"
    assert permits(RealNameVerified.purpose("real-name"), user) == "consent_required"
    assert permits(RealNameVerified.purpose("pension"), user) == "ok"
    api().post(f"{ROOT}consents/{second['id']}/withdraw/")
    assert Verification.objects.get().status == "erased"


def test_records_live_as_long_as_their_notice_says(
    liar: LyingWeChat, user: Any, configure: Callable[..., None], notice: Notice, tmp_path: Path
) -> None:
    write(tmp_path, "short/1.en.md", front="handler: h\nretention_days: 10")
    publish(tmp_path)
    configure(RETENTION_DAYS=100)
    short = exchange(user=user, auth_token="a", notice=Notice.objects.get(purpose="short").pk)
    rest = [exchange(user=user, auth_token="b", notice=notice.pk)]
    rest.append(exchange(user=user, auth_token="c"))
    assert list(erase_outlived()) == []
    Verification.objects.update(verified_at=timezone.now() - timedelta(days=11))
    assert [row.pk for row in erase_outlived()] == [short.pk]
    Verification.objects.update(verified_at=timezone.now() - timedelta(days=101))
    assert {row.pk for row in erase_outlived()} == {row.pk for row in rest}


# --- who looked -------------------------------------------------------------------------------


def test_every_way_of_looking_is_listed_to_the_citizen_without_an_officers_name(
    api: Api, liar: LyingWeChat, user: Any, notice: Notice, configure: Callable[..., None]
) -> None:
    """In the console and by the citizen: search, reveal, export, copy, and the use by a service."""
    configure(SUBJECT_COPY="tests.test_consent.allows_copies")
    row = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    clerk = staff("view_verification", "reveal_verification", "export_plaintext")
    User.objects.get(username="clerk").groups.add(Group.objects.create(name="社保科"))
    clerk.post(FIND, {"credential_id": NUMBER})
    clerk.post(page("verification", row.pk, "reveal"), {"reason": "case 1"})
    export = page("verification", "export")
    for content in ({"content": "plain", "reason": "case 2"}, {"content": "masked"}):
        assert b"".join(clerk.post(export, content))
    clerk.post(page("verification", row.pk, "copy"), {"reason": "case 3"})
    assert api().get(f"{ROOT}verifications/{row.pk}/copy/").status_code == 200
    assert permits(RealNameVerified.purpose("real-name"), user) == "ok"
    told = api().get(f"{ROOT}verifications/{row.pk}/accesses/").json()["results"]
    assert [(each["what"], each["reason"]) for each in told] == [
        ("use", "real-name"),
        ("copy", ""),
        ("copy", "case 3"),
        ("export", ""),
        ("export", "case 2"),
        ("reveal", "case 1"),
        ("search", ""),
    ]
    assert [each["by"] for each in told] == ["you"] * 2 + ["社保科"] * 5
    assert "clerk" not in str(told) and faults() == []
    stranger = SimpleNamespace(pk="9" * 23)  # of another kind of user
    reveal(Verification.objects.get(pk=row.pk), actor=stranger, reason="case 9")
    (newest, *_rest) = api().get(f"{ROOT}verifications/{row.pk}/accesses/").json()["results"]
    assert newest["by"] == "staff"
    assert api("stranger").get(f"{ROOT}verifications/{row.pk}/accesses/").status_code == 404
    out, err = StringIO(), StringIO()
    today = f"{timezone.localdate():%Y-%m-%d}"
    options = ["--actor", "clerk", "--from", today, "--to", today]
    call_command("realname_affected", *options, stdout=out, stderr=err)
    assert out.getvalue().split() == [str(row.pk)] and "1 record of 1 person." in err.getvalue()


def test_the_own_copy_wants_what_subject_copy_wants(
    api: Api, row: Verification, user: Any, configure: Callable[..., None]
) -> None:
    address = f"{ROOT}verifications/{row.pk}/copy/"
    told = []
    for setting in (None, "tests.test_consent.refuses_copies"):
        configure(SUBJECT_COPY=setting)
        answer = api().get(address, headers={"Accept-Language": "en"})
        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
        told.append(answer.json()["detail"])
    assert told[0] == "A copy of your own data is not offered here."  # a login wouldn't help
    assert told[1] == "Please log in again to see your own data."
    configure(SUBJECT_COPY="tests.test_consent.allows_copies")
    data = {"id": str(row.pk), "real_name": NAME, "credential_id": NUMBER}
    assert api().get(address).json() == data
    assert AuditEvent.objects.filter(event="copy").get().records == 1
    assert api("stranger").get(address).status_code == 404
    erase(row, actor=user, reason="a test")
    assert api().get(address).status_code == 404


def allows_copies(request: Any) -> bool:
    return True


def refuses_copies(request: Any) -> bool:
    return False
