"""Whatever is done to the sealed trail by raw SQL is found, and verification never breaks off.

`pytest -m campaign` makes a thousand tamperings, the suite fewer; TAMPERING_SEED changes which.
"""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests import sm_keys, tampering
from tests.cases import each
from tests.conftest import brought_to, verify
from tests.lying_wechat import NUMBER, LyingWeChat
from tests.tampering import EVENTS, RECORDS, SEALS, State, Tamperer
from tests.trail import is_reported, sealed, sql, undone
from wx_realname import audit, services
from wx_realname.audit.sealing import _sign, members_of
from wx_realname.models import AuditEvent, AuditSeal, Verification
from wx_realname.services.rows import changed
from wx_realname.uuid7 import uuid7

SEED = int(os.environ.get("TAMPERING_SEED", "20261123"))
MANY = 1000
#: How many by the hashes of the trail; the first are enough to meet each kind of tampering.
COUNTS = {"SHA-256": 100, "SM3": 40, "SM3 midway": 40}

Event = AuditEvent.Event


def lived_in(liar: LyingWeChat, midway: Callable[[], None] = lambda: None) -> tuple[State, str]:
    """A site's records and trail, all sealed: an old backup of them, and today's checkpoint.

    `midway` is done between the two lives, each sealed by itself.
    """

    def lived(user: Any, status: str) -> Verification:
        return brought_to(status, liar, user, f"token-of-{user.username}")

    clerk, *users = [get_user_model().objects.create(username=f"u{n}") for n in range(9)]
    ends = ("verified", "rejected", "failed", "unknown", "verified", "failed", "verified")
    rows = [lived(user, status) for user, status in zip(users, ends, strict=False)]
    services.reveal(rows[0], actor=clerk, reason="case 1")
    sealed(batch_size=6)
    backup = tampering.state()
    midway()
    lived(users[2], "verified")  # what failed is tried again
    services.erase(rows[0], actor=clerk, reason="asked")
    users[4].delete()
    users[5].delete()
    services.find_person(actor=clerk, credential_id=NUMBER)
    lived(users[7], "verified")
    sealed(batch_size=6)
    audit.append(Event.REVEAL, audit.Origin("1", "203.0.113.9"), using="default")
    return backup, sealed(batch_size=6)


# --- at random --------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hashes", "count"),
    [
        *COUNTS.items(),
        *(pytest.param(hashes, MANY, marks=pytest.mark.campaign) for hashes in COUNTS),
    ],
)
def test_every_random_tampering_is_found(
    liar: LyingWeChat,
    count: int,
    hashes: str,
    configure: Callable[..., None],
    record_property: Callable[[str, int], None],
) -> None:
    record_property("tries", count)
    if hashes == "SM3":
        configure(**sm_keys.ALONE)
    midway = partial(configure, **sm_keys.FIRST) if hashes == "SM3 midway" else lambda: None
    backup, checkpoint = lived_in(liar, midway)
    assert (":sm3:" in checkpoint) == (hashes != "SHA-256")
    tampering.loosen()
    assert verify(checkpoint) == (0, verify()[1])
    before = tampering.state()
    by = Tamperer(random.Random(SEED), copy.deepcopy(before), backup)
    kinds: Counter[str] = Counter()
    for turn in range(count):
        kind, what, said = found(by, before, checkpoint)
        kinds[kind] += 1
        assert said, f"TAMPERING_SEED={SEED}, turn {turn}, {kind} wasn't found: {what}"
    assert len(kinds) == len(tampering.KINDS) or count < COUNTS["SHA-256"], kinds
    assert verify(checkpoint)[0] == 0


def found(by: Tamperer, before: State, checkpoint: str) -> tuple[str, str, str]:
    """A tampering that the database took, what it was, and what verification says to it."""
    while True:
        kind, what, after = by.tamper()
        with undone():
            try:
                with transaction.atomic():
                    tampering.write(before, after)
            except DatabaseError:
                continue  # its types and keys refuse it
            try:
                code, said = verify(checkpoint)
            except Exception as error:
                raise AssertionError(f"TAMPERING_SEED={SEED}, {kind}: {what}") from error
            return kind, what, said if code == 1 and "NOT intact" in said else ""


# --- by somebody who has thought about it -----------------------------------------------------


@pytest.fixture
def checkpoint(liar: LyingWeChat, db: None) -> str:
    return lived_in(liar)[1]


def a_seal_with_neither_key_nor_hmac() -> None:
    """All is computed as it should be, and nothing is signed."""
    event = audit.append(Event.REVEAL, audit.Origin("nobody"), using="default")
    last = AuditSeal.objects.order_by("number").last()
    made = _sign(last, [event])
    made.key_id, made.hmac = "no such key", ""
    made.save(force_insert=True)
    AuditEvent.objects.filter(pk=event.pk).update(seal=made.number)


def records(status: str, **which: Any) -> Any:
    return Verification.objects.filter(status=status, **which)


def a_record_borne_out_by_an_event_with_neither_key_nor_hmac() -> None:
    row = records("rejected").get()
    records("rejected").update(status="verified")
    told: Any = {"verification_id": row.pk, "attempt": 99, "status": "verified"}
    AuditEvent.objects.create(event=Event.EXCHANGE, created_at=timezone.now(), **told)


def copy_unsealed(event: AuditEvent, attempt: int) -> None:
    event.pk, event.created_at, event.seal, event.attempt = uuid7(), timezone.now(), None, attempt
    event.save(force_insert=True)


def an_erased_record_brought_back_by_its_old_event() -> None:
    row = records("erased", user__isnull=False).get()
    Verification.objects.filter(pk=row.pk).update(status="verified")
    copy_unsealed(AuditEvent.objects.get(verification_id=row.pk, event=Event.EXCHANGE), attempt=99)


def a_verified_record_made_failed_by_its_old_event() -> None:
    old = AuditEvent.objects.get(event=Event.EXCHANGE, attempt=1, status="failed", user_id=of("u3"))
    Verification.objects.filter(pk=old.verification_id).update(status="failed", attempt=9)
    copy_unsealed(old, attempt=9)


def of(username: str) -> str:
    return str(get_user_model().objects.get(username=username).pk)


def an_event_changed_and_the_list_of_members_with_it() -> None:
    AuditEvent.objects.filter(seal=1, event=Event.EXCHANGE).update(actor_id="somebody else")
    members = members_of(list(AuditEvent.objects.filter(seal=1)))
    listed = b"".join(id_ + leaf for id_, leaf in members)
    AuditSeal.objects.filter(number=1).update(members=listed)


FORGERIES: dict[str, Callable[[], Any]] = {
    "a seal with neither key nor HMAC": a_seal_with_neither_key_nor_hmac,
    "an outcome with neither key nor HMAC": a_record_borne_out_by_an_event_with_neither_key_nor_hmac,
    "an erased record brought back by its old event": an_erased_record_brought_back_by_its_old_event,
    "a verified record made failed by its old event": a_verified_record_made_failed_by_its_old_event,
    "a verified record made pending": lambda: records("verified").update(
        status="pending", attempt=9
    ),
    "a record made pending in the same attempt": lambda: records("unknown").update(
        status="pending"
    ),
    "a pending record given to another": lambda: records("unknown").update(
        status="pending", attempt=2, user_id=of("u2")
    ),
    "a record untied from a user who is there": lambda: records("rejected").update(user=None),
    "an event added to seal 0": lambda: AuditEvent.objects.create(
        event=Event.REVEAL, created_at=timezone.now(), seal=0
    ),
    "an HMAC that is no ASCII": lambda: AuditSeal.objects.filter(number=1).update(hmac="é" * 64),
    "an event and the list of members changed": an_event_changed_and_the_list_of_members_with_it,
}


@each("forgery", FORGERIES)
def test_a_forgery_is_found(checkpoint: str, forgery: str) -> None:
    assert verify(checkpoint)[0] == 0
    with undone():
        FORGERIES[forgery]()
        is_reported()


def test_a_seal_that_is_none_of_the_chain_is_named(checkpoint: str) -> None:
    AuditSeal.objects.create(number=0, count=0, members=b"", created_at=timezone.now())
    is_reported("\nseal 0 is not part of the chain\n")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a column takes values of its type only")
def test_a_last_seal_whose_number_is_no_number_is_found(checkpoint: str) -> None:
    tampering.loosen()
    last = AuditSeal.objects.order_by("number").last()
    sql("UPDATE wx_realname_auditseal SET number = X'00ff' WHERE number = %s", last.pk)
    is_reported("is not part of the chain", checkpoint=checkpoint)


def test_an_event_that_is_no_outcome_says_nothing_of_its_record(checkpoint: str) -> None:
    """Such as a refusal that read the record just before its outcome was written."""
    row = changed(records("unknown").get(), {"status": "pending"})
    audit.append(Event.AUTH_TOKEN_IN_USE, audit.Origin(), using="default", about=row)
    assert verify(checkpoint)[0] == 0


def test_a_record_that_is_tried_again_is_no_contradiction(checkpoint: str) -> None:
    records("unknown").update(status="pending", attempt=2)
    assert verify(checkpoint)[0] == 0


def test_two_checkpoints_of_one_seal_are_both_held_against_it(checkpoint: str) -> None:
    other = f"{checkpoint.partition(':')[0]}:{'0' * 64}"
    for both in ((checkpoint, other), (other, checkpoint)):
        assert verify(*both)[0] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "column",
    [
        f"{SEALS}.number",
        f"{SEALS}.hmac",
        f"{EVENTS}.seal",
        f"{EVENTS}.reason",
        f"{EVENTS}.outcome_hmac",
        f"{RECORDS}.status",
    ],
)
def test_a_column_that_is_gone_is_a_fault_and_no_traceback(liar: LyingWeChat, column: str) -> None:
    lived_in(liar)
    table, _, name = column.partition(".")
    rename = "ALTER TABLE {} RENAME COLUMN {} TO {}".format
    sql(rename(table, name, "elsewhere"))
    try:
        code, said = verify()
    finally:
        sql(rename(table, "elsewhere", name))
    assert code == 1
    assert "can't be read" in said or "was changed" in said


# --- what can't be read -----------------------------------------------------------------------

where_any_value_fits = pytest.mark.skipif(
    connection.vendor not in ("sqlite", "unheard-of"),
    reason="other databases keep to a column's type",
)


def spoil(table: str, column: str, row: Any) -> None:
    sql(f"UPDATE {table} SET {column} = 'nonsense' WHERE id = %s", row.pk.hex)  # noqa: S608


@where_any_value_fits
def test_beside_a_record_that_cannot_be_read_the_others_are_judged(checkpoint: str) -> None:
    forged, *_, last, gone = Verification.objects.order_by("pk")
    Verification.objects.filter(pk=forged.pk).update(method="check")
    spoil(RECORDS, "id", gone)
    told = verify(checkpoint)[1]
    assert f"record {forged.pk} is {forged.status}, but no audit event" in told
    assert [line for line in told.splitlines() if "can't be read" in line] == [
        "1 record after – can't be read",
        f"1 record after {last.pk} can't be read",
    ]


@where_any_value_fits
def test_beside_an_event_that_cannot_be_read_the_others_are_judged(checkpoint: str) -> None:
    sealed = AuditEvent.objects.filter(seal=1).order_by("id")
    gone, forged, *_ = sealed
    AuditEvent.objects.filter(pk=forged.pk).update(actor_id="somebody else")
    record = sealed.exclude(pk=gone.pk).exclude(verification_id=None)[0].verification_id
    Verification.objects.filter(pk=record).delete()
    spoil(EVENTS, "verification_id", gone)
    told = verify(checkpoint)[1]
    assert [line for line in told.splitlines() if "of seal 1" in line] == [
        f"event {gone.pk} of seal 1 was changed",
        f"event {forged.pk} of seal 1 was changed",
    ]
    assert f"record {record} was removed" in told


@where_any_value_fits
def test_a_record_whose_attempt_is_no_number_contradicts_its_outcome(checkpoint: str) -> None:
    row = records("unknown").get()
    records("unknown").update(status="pending")
    spoil(RECORDS, "attempt", row)
    is_reported(f"\nrecord {row.pk} is pending, but no audit event says so\n")
