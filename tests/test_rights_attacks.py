"""Whoever can write to the database and has no key: notices, consents, links and events by plain SQL."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.cases import each
from tests.conftest import AUTH_TOKEN, another
from tests.lying_wechat import NUMBER, LyingWeChat
from tests.trail import faults
from wx_realname import audit
from wx_realname.exceptions import RealNameRequired
from wx_realname.models import AuditAccess, AuditEvent, Consent, Notice, Verification
from wx_realname.services import consent_to, exchange, find_person, reveal, withdraw
from wx_realname.services.upkeep import purge

pytestmark = pytest.mark.django_db

SEED = int(os.environ.get("TAMPERING_SEED", "20261129"))
COUNT = 100
Row = dict[str, Any]


@pytest.fixture
def unsealed(liar: LyingWeChat, user: Any, stranger: Any, notice: Notice) -> list[Verification]:
    """Two citizens' consents to two purposes, one withdrawn, and looks at their records."""
    pension = another(notice, purpose="pension")
    rows = [
        exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk),
        exchange(user=stranger, auth_token="another", notice=pension.pk),
        exchange(user=user, auth_token="a-third", notice=pension.pk),
    ]
    withdraw(Consent.objects.select_related("notice").get(pk=rows[2].consent_id), user=user)
    for row in rows[:2]:
        reveal(row, actor=stranger, reason="case 1")
    find_person(actor=stranger, credential_id=NUMBER)
    assert faults() == []
    return rows


@pytest.fixture
def lived(unsealed: list[Verification]) -> list[Verification]:
    list(audit.seal())
    assert faults() == []
    return unsealed


# --- at random --------------------------------------------------------------------------------

TABLES = {
    "wx_realname_notice": "id",
    "wx_realname_consent": "id",
    "wx_realname_auditaccess": "id",
}


def stored(table: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def change(dice: random.Random, table: str, rows: list[Row]) -> None:
    row = dice.choice(rows)
    names = [name for name in row if name != "id" or table != "wx_realname_auditaccess"]
    name = dice.choice(names)
    neighbours = [each[name] for each in rows if each[name] != row[name]]
    put(table, row, name, dice.choice([*neighbours, *near(dice, row[name])]))


def put(table: str, row: Row, name: str, value: Any) -> None:
    run(f'UPDATE {table} SET "{name}" = %s WHERE id = %s', [value, row["id"]])  # noqa: S608


def near(dice: random.Random, old: Any) -> list[Any]:
    """Another value of the same kind."""
    if isinstance(old, datetime):
        return [old + timedelta(microseconds=1), old - timedelta(days=1)]
    if isinstance(old, UUID):
        return [uuid4()]
    if isinstance(old, int):
        return [old + 1]
    if old is None:
        return [timezone.now() if connection.vendor != "sqlite" else "2026-11-29 00:00:00", 1]
    text = str(old)
    at = dice.randrange(len(text) or 1)
    return [text[:at] + ("0" if text[at : at + 1] != "0" else "1") + text[at + 1 :], text + "1"]


def delete(dice: random.Random, table: str, rows: list[Row]) -> None:
    run(f"DELETE FROM {table} WHERE id = %s", [dice.choice(rows)["id"]])  # noqa: S608


def insert(dice: random.Random, table: str, rows: list[Row]) -> None:
    row = dict(dice.choice(rows))
    old = row["id"]
    row["id"] = 10**6 if isinstance(old, int) else uuid4() if isinstance(old, UUID) else uuid4().hex
    if table == "wx_realname_notice":
        row["version"] = f"{dice.random()}"
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))  # noqa: S608


def swap(dice: random.Random, table: str, rows: list[Row]) -> None:
    one, other = dice.sample(rows, 2)
    name = dice.choice([name for name in one if name != "id"])
    for row, value in ((one, other[name]), (other, one[name])):
        put(table, row, name, value)


KINDS = (change, change, change, delete, insert, swap)


def tamper(dice: random.Random) -> tuple[str, list[Row]]:
    """What was done to the tables, and the rows before and after if it isn't found.

    Nothing was done where the database refused.
    """
    table, kind = dice.choice(list(TABLES)), dice.choice(KINDS)
    before = {each: stored(each) for each in TABLES}
    try:
        with transaction.atomic():
            kind(dice, table, before[table])
    except DatabaseError:
        return "", []
    after = {each: stored(each) for each in TABLES}
    if meaning(after) == meaning(before):
        return "", []
    return f"{kind.__name__} {table}", [] if faults() else difference(before[table], after[table])


def meaning(tables: dict[str, list[Row]]) -> list[list[str]]:
    """What verification has to hold on to: a link's number says nothing."""
    return [
        sorted(repr({**row, "id": isinstance(row["id"], int) or row["id"]}) for row in rows)
        for rows in tables.values()
    ]


def difference(before: list[Row], after: list[Row]) -> list[Row]:
    """The rows as they were and are, for who looks into a failure."""
    return [row for row in (*before, *after) if row not in before or row not in after]


@pytest.mark.once
@pytest.mark.skipif(connection.vendor == "mysql", reason="its quotes are others")
def test_a_hundred_random_tamperings_are_all_found(
    lived: list[Verification], record_property: Callable[[str, int], None]
) -> None:
    record_property("tries", COUNT)
    dice, done, missed = random.Random(SEED), Counter[str](), []
    with connection.constraint_checks_disabled():
        while done.total() < COUNT:
            with transaction.atomic():
                what, unfound = tamper(dice)
                transaction.set_rollback(True)
            done[what] += bool(what)
            if unfound:
                missed.append((what, unfound))
    assert missed == [] and len(done) >= 10, done
    assert faults() == []


@pytest.mark.skipif(connection.vendor == "mysql", reason="its quotes are others")
def test_a_change_of_any_column_is_found(lived: list[Verification]) -> None:
    dice, missed, refused = random.Random(SEED), [], set()
    for table in TABLES:
        row = stored(table)[0]
        for name in row.keys() - ({"id"} if table == "wx_realname_auditaccess" else set()):
            with transaction.atomic():
                try:
                    with connection.constraint_checks_disabled(), transaction.atomic():
                        put(table, row, name, near(dice, row[name])[0])
                except DatabaseError:
                    refused.add(f"{table}.{name}")
                else:
                    missed += [f"{table}.{name}"] * (not faults())
                transaction.set_rollback(True)
    assert missed == [] and len(refused) < 5, refused
    assert faults() == []


# --- with a plan ------------------------------------------------------------------------------


def unwithdraw() -> None:
    """The first event once more, later: it bears out the consent as it was given."""
    consent = Consent.objects.exclude(withdrawn_at=None).get()
    given = AuditEvent.objects.get(event="consent_given", consent_id=consent.pk)
    given.pk, given.seal, given.created_at = uuid4(), None, timezone.now()
    given.save(force_insert=True)
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=None)


def to_another_purpose_of_the_same_text() -> None:
    consent = Consent.objects.filter(notice__purpose="real-name").get()
    Consent.objects.filter(pk=consent.pk).update(notice=Notice.objects.get(purpose="pension"))


def change_a_list_with_its_digest() -> None:
    """One event's list under another's name: the digest is of the event, too."""
    first, second = AuditEvent.objects.filter(event="reveal").order_by("pk")
    AuditAccess.objects.filter(event_id=second.pk).update(
        verification_id=AuditAccess.objects.get(event_id=first.pk).verification_id
    )
    AuditEvent.objects.filter(pk=second.pk).update(records_digest=first.records_digest)


def forget_a_look_whole() -> None:
    """A sealed event no longer names records, and its links are gone."""
    event = AuditEvent.objects.filter(event="reveal")[0]
    AuditEvent.objects.filter(pk=event.pk).update(records=None, records_digest="")
    AuditAccess.objects.filter(event_id=event.pk).delete()


def remove_a_consent() -> None:
    Verification.objects.update(consent=None)
    Consent.objects.all().delete()


def add_a_consent() -> None:
    one = Consent.objects.select_related("notice", "user")[0]
    Consent.objects.create(user=one.user, notice=one.notice, given_at=timezone.now())


def add_a_link() -> None:
    """An event that named no record gets one."""
    event = AuditEvent.objects.filter(event="exchange")[0]
    record = Verification.objects.exclude(status="erased")[0]
    AuditAccess.objects.create(
        event_id=event.pk, verification_id=record.pk, created_at=timezone.now()
    )


PLANS: dict[str, Callable[[], Any]] = {
    "a withdrawal undone by a copy of the first event": unwithdraw,
    "a consent to another purpose of the same text": to_another_purpose_of_the_same_text,
    "a notice's purpose": lambda: Notice.objects.filter(purpose="pension").update(purpose="tax"),
    "a notice's days": lambda: Notice.objects.update(retention_days=36_500),
    "a notice's handler": lambda: Notice.objects.update(handler="somebody else"),
    "a notice's time, so that another is in force": lambda: Notice.objects.filter(
        purpose="pension"
    ).update(published_at=timezone.now()),
    "a consent's owner": lambda: Consent.objects.update(
        user=Consent.objects.order_by("pk")[1].user
    ),
    "a consent's record": lambda: Consent.objects.update(verification_id=None),
    "a consent's address": lambda: Consent.objects.update(ip_address="203.0.113.9"),
    "a consent's owner forgotten": lambda: Consent.objects.update(user=None),
    "a link's time": lambda: AuditAccess.objects.update(created_at=timezone.now()),
    "a look forgotten": forget_a_look_whole,
}
#: Found before any seal, too.
UNSEALED: dict[str, Callable[[], Any]] = {
    "a notice's text": lambda: Notice.objects.update(text="anything"),
    "a notice's hash": lambda: Notice.objects.update(sha256="0" * 64),
    "the time of a consent": lambda: Consent.objects.update(given_at=timezone.now()),
    "a withdrawal made up": lambda: Consent.objects.update(withdrawn_at=timezone.now()),
    "a consent of nobody": lambda: Consent.objects.update(user=None),
    "a consent removed": remove_a_consent,
    "a consent added": add_a_consent,
    "a record's consent forgotten": lambda: Verification.objects.update(consent=None),
    "a link removed": lambda: AuditAccess.objects.all().delete(),
    "a link turned": lambda: AuditAccess.objects.update(verification_id=UUID(int=7)),
    "a link added": add_a_link,
    "another event's list": change_a_list_with_its_digest,
}


def assert_found(attack: Callable[[], Any]) -> None:
    """And undo it."""
    with transaction.atomic():
        attack()
        assert faults() != []
        transaction.set_rollback(True)
    assert faults() == []


@each("plan", PLANS)
def test_an_attack_with_a_plan_is_found(lived: list[Verification], plan: str) -> None:
    assert_found(PLANS[plan])


@each("plan", UNSEALED)
def test_what_sql_changes_is_found_before_it_is_sealed(
    unsealed: list[Verification], plan: str
) -> None:
    assert_found(UNSEALED[plan])


@pytest.mark.skipif(
    connection.vendor not in ("sqlite", "unheard-of"), reason="elsewhere the type has one spelling"
)
@each("spelling", ["upper(verification_id)", "CAST(verification_id AS BLOB)"])
def test_a_link_spelt_otherwise_is_found(lived: list[Verification], spelling: str) -> None:
    run(f"UPDATE wx_realname_auditaccess SET verification_id = {spelling}", [])  # noqa: S608
    assert any("its verification_id is not spelt canonically" in each for each in faults())


def test_a_published_notice_is_not_saved_again(notice: Notice) -> None:
    stored = Notice.objects.get()
    stored.text = "something else"
    with pytest.raises(TypeError, match="never changed"):
        stored.save()
    with pytest.raises(TypeError, match="never changed"):
        notice.save(update_fields=["handler"])


def test_a_deleted_user_is_no_tampering(lived: list[Verification], user: Any) -> None:
    user.delete()
    assert faults() == []
    assert set(Verification.objects.filter(user=None).values_list("status", flat=True)) == {
        "erased"
    }
    assert list(purge.erase_outlived()) == [] and faults() == []


# --- what else may go wrong -------------------------------------------------------------------


def test_consent_again_after_a_withdrawal_wants_a_new_verification(
    liar: LyingWeChat, user: Any, notice: Notice
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    withdraw(Consent.objects.select_related("notice").get(), user=user)
    with pytest.raises(RealNameRequired):
        consent_to(user=user, notice=notice.pk)
    exchange(user=user, auth_token="anew", notice=notice.pk)
    assert consent_to(user=user, notice=notice.pk).withdrawn_at is None
    assert faults() == []
