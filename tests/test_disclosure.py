"""What is stored, and services.reveal: plain text never without a reason and a trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import RequestFactory

from tests.cases import each
from tests.conftest import AUTH_TOKEN, brought_to, events, frames
from tests.lying_wechat import NAME, NUMBER, LyingWeChat
from wx_realname import audit
from wx_realname.exceptions import ConfigurationError, InvalidRequest, NotFound
from wx_realname.managers import VerificationQuerySet
from wx_realname.models import AuditEvent, Verification
from wx_realname.personal_data import Secret
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import copy, erase, exchange, export, find_person, reveal
from wx_realname.services.disclosure import search

Configure = Callable[..., None]
pytestmark = pytest.mark.django_db


def disclosures() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event="reveal"))


@pytest.mark.parametrize(
    ("name", "number", "name_mask", "number_mask", "check_digit"),
    [
        (NAME, NUMBER, "**娜", "4****************3", True),
        ("张三", "440524198001010014", "*三", "4****************4", False),
        ("龘", "11010519491231002x", "*", "1****************X", True),
        ("阿卜杜拉·买买提", "110105491231002", "*******提", "1*************2", None),
        ("𠮷䶮", NUMBER, "*䶮", "4****************3", True),
    ],
)
def test_what_wechat_said_is_stored_whole_and_shown_masked(
    sandbox: Sandbox,
    user: Any,
    name: str,
    number: str,
    name_mask: str,
    number_mask: str,
    check_digit: bool | None,
) -> None:
    token = sandbox.issue_auth_token(Citizen(name, number))
    assert exchange(user=user, auth_token=token).newly_verified
    row = Verification.objects.get()
    plain = reveal(row, actor=user, reason="a test")
    assert (plain.real_name, plain.credential_id) == (name, number.upper())
    assert (row.real_name_masked, row.credential_id_masked) == (name_mask, number_mask)
    assert row.check_digit_valid is check_digit
    assert (row.status, row.method, row.merchant) == ("verified", "authorize", "default")
    assert (row.mch_id, row.app_id) == ("1900000001", "wx0000000000000001")
    assert (row.user, row.error_code, row.errcode) == (user, "", None)
    assert row.verified_at and row.finished_at and row.duration_ms is not None
    assert len(row.cert_serialno) == 40


@each(
    "look",
    [
        lambda row, request: reveal(row, actor=row.user, reason="case 1", request=request),
        lambda row, request: copy(row, actor=row.user, request=request),
        lambda row, request: find_person(actor=row.user, credential_id=NUMBER, request=request),
    ],
)
def test_each_look_leaves_its_address(row: Verification, look: Callable[..., Any]) -> None:
    look(row, RequestFactory().get("/", REMOTE_ADDR="203.0.113.9"))
    event = AuditEvent.objects.exclude(event="exchange").latest("created_at")
    assert event.ip_address == "203.0.113.9"


def test_a_disclosure_leaves_its_trace(row: Verification, user: Any, stranger: Any) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    reveal(row, actor=stranger, reason="案" * 255, request=request)
    (event,) = disclosures()
    assert (event.actor_id, event.user_id) == (str(stranger.pk), str(user.pk))
    assert (event.verification_id, event.reason) == (row.pk, "案" * 255)
    assert (event.ip_address, event.status) == ("203.0.113.9", "verified")
    assert not event.outcome_hmac  # it vouches for nothing of the record


@each("reason", ["", "  ", "x" * 256, "a\nb", "\x00", "\ud800", None, 7])
def test_without_a_proper_reason_nothing_is_shown(
    row: Verification, user: Any, reason: Any
) -> None:
    rows = Verification.objects.all()
    for ask in (partial(reveal, row), partial(export, rows, plain=True)):
        with pytest.raises(InvalidRequest) as refused:
            ask(actor=user, reason=reason)
        assert refused.value.errors and list(refused.value.errors) == ["reason"]
    assert events() == ["exchange verified"]


@pytest.mark.parametrize("status", ["pending", "rejected", "failed", "unknown", "erased"])
def test_where_nothing_is_stored_nothing_is_found(
    liar: LyingWeChat, user: Any, status: str
) -> None:
    row = brought_to(status, liar, user)
    with pytest.raises(NotFound) as missing:
        reveal(row, actor=user, reason="a test")
    assert missing.value.verification_id == row.pk
    assert disclosures() == []


def test_storage_masked_keeps_no_ciphertext_and_reveals_nothing(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(STORAGE="masked")
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    row.refresh_from_db()
    assert (row.status, row.real_name_masked) == ("verified", "**娜")
    assert row.real_name_encrypted is None and row.credential_id_encrypted is None
    with pytest.raises(NotFound):
        reveal(row, actor=user, reason="a test")


def test_a_stale_instance_of_an_erased_record_reveals_nothing(row: Verification, user: Any) -> None:
    erase(Verification.objects.get(), actor=user, reason="a test")
    assert row.status == "verified"
    with pytest.raises(NotFound):
        reveal(row, actor=user, reason="a test")


def test_an_older_encryption_key_still_opens(
    row: Verification, user: Any, settings: Any, configure: Configure
) -> None:
    old = settings.WX_REALNAME["ENCRYPTION_KEYS"]
    configure(ENCRYPTION_KEYS=["e2:SM4-GCM:" + "B" * 22 + "==", *old])
    assert reveal(row, actor=user, reason="a test").real_name == NAME
    newer = exchange(user=user, auth_token="another-token")
    assert reveal(newer, actor=user, reason="a test").credential_id == NUMBER


@pytest.mark.django_db(transaction=True)
def test_inside_the_callers_transaction_nothing_is_revealed(row: Verification, user: Any) -> None:
    with transaction.atomic(), pytest.raises(ConfigurationError, match="non_atomic_requests"):
        reveal(row, actor=user, reason="a test")
    assert disclosures() == []


# --- finding ----------------------------------------------------------------------------------


def searches() -> list[str]:
    found = AuditEvent.objects.filter(event="search").order_by("created_at", "id")
    return [event.reason for event in found]


def test_an_old_number_of_15_digits_and_its_18_are_the_same(sandbox: Sandbox, user: Any) -> None:
    token = sandbox.issue_auth_token(Citizen("王五", "110105491231002"))
    exchange(user=user, auth_token=token)
    assert find_person(actor=user, credential_id="11010519491231002x").matches


@each("given", [{}, {"real_name": ""}, {"credential_id": "12"}])
def test_without_a_name_or_number_nothing_is_searched(
    row: Verification, user: Any, given: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest):
        find_person(actor=user, **given)  # type: ignore[arg-type]
    assert searches() == []


def test_a_search_that_finds_too_many_says_so(
    row: Verification, user: Any, stranger: Any, monkeypatch: Any
) -> None:
    exchange(user=stranger, auth_token="another-token")
    found = find_person(actor=user, credential_id=NUMBER)
    assert (len(found.matches), found.cut, searches()) == (2, False, ["by number; found: 2"])
    monkeypatch.setattr(search, "MAX_FOUND", 1)
    found = find_person(actor=user, credential_id=NUMBER)
    assert (len(found.matches), found.cut, searches()[1:]) == (1, True, ["by number; found: 1+"])


@each("place", [(audit, "append_access"), (VerificationQuerySet, "get")])
@each("given", [str, Secret])
def test_a_search_that_fails_tells_nothing(
    row: Verification,
    user: Any,
    monkeypatch: Any,
    configure: Configure,
    place: tuple[Any, str],
    given: Any,
) -> None:
    configure(NAME_INDEX="none")  # so that names are compared after decryption

    def full(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("disk full")

    with monkeypatch.context() as patch, pytest.raises(DatabaseError) as failed:
        patch.setattr(*place, full)
        find_person(actor=user, real_name=given(NAME), credential_id=given(NUMBER))
    told = " ".join(frames(failed.value))
    assert "disk full" in told and NAME not in told and NUMBER not in told
