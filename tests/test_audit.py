"""The audit trail: one event for each attempt, an outcome code that anybody with the key can check."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from tests.cases import each
from tests.conftest import AUTH_TOKEN, brought_to, code, events, make_stuck, outcome
from tests.lying_wechat import (
    NAME,
    NUMBER,
    ONE_OF_EACH,
    Fault,
    LyingWeChat,
    doing,
    identity,
    refuses,
)
from wx_realname.audit import Origin
from wx_realname.audit.outcome import digests
from wx_realname.models import AuditEvent, Verification
from wx_realname.services import erase, exchange, reveal

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
INDEX_KEY, AUDIT_KEY, NEW_KEY = (bytes([byte]) * 32 for byte in (2, 3, 9))


def derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"wx_realname/1/{purpose}".encode()).derive(key)


def code_by(key: bytes, purpose: str, data: bytes) -> str:
    return hmac.new(derived(key, f"hmac/{purpose}"), data, "sha256").hexdigest()


def outcome_code(
    event: AuditEvent, status: str, *, user: Any, token: str, key: bytes = AUDIT_KEY
) -> str:
    """The HMAC of format 1, computed afresh; what is stored of the citizen from the row."""
    row = Verification.objects.get(pk=event.verification_id)
    verified = status == "verified"
    openid = code_by(key, "audit.openid", user.username.encode()) if verified else ""
    signed = [
        1,
        event.event,
        event.attempt,
        str(row.pk),
        str(user.pk),
        status,
        "authorize",
        "default",
        code_by(INDEX_KEY, "wx_realname.token_digest", token.encode()),
        row.verified_at.isoformat(timespec="microseconds") if row.verified_at else "",
        "",
        row.answer_digest or "",
        openid,
        row.real_name_masked,
        row.credential_id_masked,
        verified,
        verified,
        verified or "",
    ]
    return code_by(key, "audit.outcome", json.dumps(signed, separators=(",", ":")).encode())


# --- one event for each attempt ---------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [None, *ONE_OF_EACH], ids=lambda fault: fault.name if fault else "ok"
)
def test_an_ended_attempt_leaves_exactly_one_event_with_its_outcome(
    liar: LyingWeChat, user: Any, configure: Configure, fault: Fault | None
) -> None:
    if fault:
        configure(**fault.timeouts)
        liar.play(*fault.scripts, path=fault.path)
    status = fault.promise[2] if fault else "verified"
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7")
    outcome(user, request=request)

    (event,) = AuditEvent.objects.all()
    row = Verification.objects.get()
    assert (event.event, event.status, row.status) == ("exchange", status, status)
    assert (event.actor_id, event.user_id) == (str(user.pk), str(user.pk))
    assert (event.verification_id, event.attempt) == (row.pk, 1)
    assert (event.merchant, event.method, event.reason) == ("default", "authorize", "")
    assert event.error_code == (fault.code if fault else "")
    assert event.errcode == (fault.errcode if fault else None)
    assert event.duration_ms == row.duration_ms is not None
    assert (event.ip_address, event.outcome_key_id) == ("198.51.100.7", "a1")
    assert event.outcome_hmac == outcome_code(event, status, user=user, token=AUTH_TOKEN)
    assert event.created_at <= timezone.now()


def test_every_attempt_has_its_own_event(liar: LyingWeChat, user: Any) -> None:
    liar.play(refuses(94006), refuses(94006), refuses(-1), refuses(-1), refuses(-1), refuses(94005))
    assert [code(user) for _ in range(4)] == ["misconfigured"] * 2 + [
        "wechat_busy",
        "outcome_unknown",
    ]
    trail = AuditEvent.objects.order_by("attempt")
    assert [(event.attempt, event.status, event.errcode) for event in trail] == [
        (1, "failed", 94006),
        (2, "failed", 94006),
        (3, "failed", -1),
        (4, "unknown", 94005),
    ]


@pytest.mark.parametrize("status", ["verified", "erased", "rejected", "pending"])
def test_a_repeat_that_asks_nobody_leaves_no_event(
    liar: LyingWeChat, user: Any, status: str
) -> None:
    brought_to(status, liar, user)
    before = events()
    outcome(user)
    assert events() == before


def test_an_abandoned_attempt_is_told_as_unknown(liar: LyingWeChat, user: Any) -> None:
    brought_to("pending", liar, user)
    make_stuck()
    liar.play(refuses(94006))
    code(user)
    abandoned = AuditEvent.objects.get(event="exchange_abandoned")
    assert (abandoned.status, abandoned.error_code) == ("unknown", "outcome_unknown")
    expected = outcome_code(abandoned, "unknown", user=user, token=AUTH_TOKEN)
    assert abandoned.outcome_hmac == expected


@pytest.mark.django_db(transaction=True)
def test_the_event_and_the_record_are_written_together_or_not_at_all(
    liar: LyingWeChat, user: Any
) -> None:
    table = AuditEvent._meta.db_table

    def rename(old: str, new: str) -> None:
        connection.cursor().execute(f"ALTER TABLE {old} RENAME TO {new}")

    def lose_the_table() -> None:
        rename(table, "out_of_the_way")

    liar.play(doing(lose_the_table, identity()))
    try:
        assert code(user) == "outcome_unknown"
    finally:
        rename("out_of_the_way", table)
    row = Verification.objects.get()
    assert (row.status, row.real_name_masked, row.finished_at) == ("pending", None, None)
    assert (events(), code(user)) == ([], "exchange_in_progress")


# --- outcome codes ----------------------------------------------------------------------------

OF_EVENT = ("event", "attempt", "consent_id", "answer_digest")
COVERED = (
    ("id", "01890000-0000-7000-8000-000000000000"),
    ("user_id", 7_000_000),
    ("user_id", None),
    ("status", "rejected"),
    ("method", "check"),
    ("merchant", "other"),
    ("token_digest", "0" * 64),
    ("verified_at", None),
    ("real_name_masked", "**娟"),
    ("credential_id_masked", "4****************4"),
    ("real_name_encrypted", None),
    ("credential_id_encrypted", None),
    ("credential_id_index", None),
)


def test_an_outcome_code_covers_each_part_of_record_and_event(row: Verification) -> None:
    event = AuditEvent.objects.values().get()
    assert event["outcome_hmac"] == digests(row, event)[0].hex
    cases = [(copy(row), event | {name: "another"}) for name in OF_EVENT]
    for name, value in COVERED:
        other = copy(row)
        setattr(other, name, value)
        cases.append((other, event | ({name: value} if name in ("user_id", "status") else {})))
    fitting = [event["outcome_hmac"] in [code.hex for code in digests(*case)] for case in cases]
    assert fitting == [False] * (len(COVERED) + len(OF_EVENT))


def test_without_audit_keys_outcome_codes_have_a_key_of_their_own(
    liar: LyingWeChat, user: Any, configure: Configure
) -> None:
    configure(AUDIT_KEYS=None)
    exchange(user=user, auth_token=AUTH_TOKEN)
    (event,) = AuditEvent.objects.all()
    own = derived(INDEX_KEY, "audit")
    facts = {"user": user, "token": AUTH_TOKEN}
    assert event.outcome_hmac == outcome_code(event, "verified", **facts, key=own)
    assert event.outcome_hmac != outcome_code(event, "verified", **facts, key=INDEX_KEY)
    assert event.outcome_key_id == "index:i1"


def test_the_first_audit_key_writes_and_all_of_them_match(
    liar: LyingWeChat, user: Any, settings: Any, configure: Configure
) -> None:
    old = exchange(user=user, auth_token=AUTH_TOKEN)
    written = AuditEvent.objects.values().get()
    new = f"a2:{base64.b64encode(NEW_KEY).decode()}"
    configure(AUDIT_KEYS=[new, *settings.WX_REALNAME["AUDIT_KEYS"]])
    assert written["outcome_hmac"] in [digest.hex for digest in digests(old, written)]
    row = exchange(user=user, auth_token="another-token")
    event = AuditEvent.objects.get(verification_id=row.pk)
    expected = outcome_code(event, "verified", user=user, token="another-token", key=NEW_KEY)
    assert (event.outcome_key_id, event.outcome_hmac) == ("a2", expected)


# --- the trail outlives what it tells of ------------------------------------------------------


def test_events_outlive_user_and_record(liar: LyingWeChat, user: Any) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN)
    before = AuditEvent.objects.values().get(event="exchange")
    user.delete()
    Verification.objects.all().delete()
    assert AuditEvent.objects.values().get(event="exchange") == before


def test_no_event_holds_anything_personal(
    liar: LyingWeChat, user: Any, stranger: Any, django_user_model: Any
) -> None:
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    outcome(stranger)
    reveal(row, actor=stranger, reason="a test")
    erase(row, actor=user, reason="a test")
    row = exchange(user=user, auth_token="another-token")
    user.delete()
    assert len(events()) == 6
    stored = Verification.objects.values_list("token_digest", "token_key_id").first()
    assert stored
    columns = repr(list(AuditEvent.objects.values()))
    for planted in (NAME, NUMBER, "**娜", "4****************3", AUTH_TOKEN, stored[0]):
        assert planted not in columns


# --- who, and whence --------------------------------------------------------------------------


def by_header(request: Any) -> str:
    """A CLIENT_IP_RESOLVER."""
    return str(request.headers["X-Client"])


@each(
    ("address", "stored"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (" 198.51.100.7 ", "198.51.100.7"),
        ("198.51.100.7:5678", "198.51.100.7"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("", None),
        ("unix:", None),
        ("198.51.100.7, 10.0.0.1", None),
        ("1' OR '1'='1", None),
        ("x" * 5_000, None),
    ],
)
def test_the_address_is_kept_or_unknown_and_never_an_error(
    configure: Configure, address: str, stored: str | None
) -> None:
    for resolver, where in ((None, "REMOTE_ADDR"), (f"{__name__}.by_header", "HTTP_X_CLIENT")):
        configure(CLIENT_IP_RESOLVER=resolver)
        request = RequestFactory().get("/", **{where: address})
        assert Origin.of(None, request) == Origin("", stored)


@pytest.mark.parametrize("resolver", ["tests.no_such.thing", f"{__name__}.by_header"])
def test_a_resolver_that_fails_loses_no_attempt(
    liar: LyingWeChat, user: Any, configure: Configure, resolver: str
) -> None:
    configure(CLIENT_IP_RESOLVER=resolver)
    assert code(user, request=RequestFactory().get("/")) == "verified"
    assert AuditEvent.objects.get().ip_address is None


def test_without_a_request_the_actor_is_known_and_the_address_is_not(
    liar: LyingWeChat, user: Any
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN)
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.ip_address) == (str(user.pk), None)
