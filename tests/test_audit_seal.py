"""Sealing and verification: whatever is changed behind our back is found, and named."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from hashlib import sha256
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.db.models import Sum
from django.utils import timezone as django_timezone

from tests.cases import each
from tests.conftest import at_once, verify
from wx_realname import audit, services
from wx_realname.audit import merkle, sealing
from wx_realname.audit.sealing import hash_of, leaf
from wx_realname.exceptions import InvalidAuthToken
from wx_realname.models import AuditEvent, AuditSeal, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services.transactions import durable
from wx_realname.uuid7 import uuid7

PERSON = Citizen("张三", "440524198001010013")
Event = AuditEvent.Event


@pytest.fixture
def user(django_user_model: Any) -> Any:
    return django_user_model.objects.create(username="citizen")


@pytest.fixture
def verified(sandbox: Sandbox, user: Any) -> Verification:
    return services.exchange(user=user, auth_token=sandbox.issue_auth_token(PERSON))


def sealed(**options: Any) -> str:
    """Seals, and gives the checkpoint that was printed."""
    out = StringIO()
    call_command("realname_seal_audit", stdout=out, **options)
    return out.getvalue().strip().splitlines()[-1]


def events(count: int) -> list[AuditEvent]:
    using = connection.alias
    return [audit.append(Event.REVEAL, audit.Origin(), using=using) for _ in range(count)]


def by_the_book(leaves: list[bytes], hash_: Callable[[bytes], bytes]) -> bytes:
    """RFC 6962 §2.1 word for word."""
    if not leaves:
        return hash_(b"")
    if len(leaves) == 1:
        return hash_(b"\0" + leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = by_the_book(leaves[:split], hash_), by_the_book(leaves[split:], hash_)
    return hash_(b"\1" + left + right)


@each("count", range(18))
@each("hash_", [lambda data: sha256(data).digest(), merkle.sm3])
def test_the_root_is_that_of_rfc_6962_by_either_hash(hash_: Any, count: int) -> None:
    leaves = [bytes([n]) * n for n in range(count)]
    assert merkle.root((merkle.leaf_hash(each, hash_) for each in leaves), hash_) == by_the_book(
        leaves, hash_
    )


def test_a_leaf_and_a_link_of_format_1_stay_what_they_are() -> None:
    """When one changes, no seal of before is borne out."""
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    event = AuditEvent(id=UUID(int=1), event="reveal", created_at=noon, reason="工单", attempt=2)
    assert leaf(event).decode() == (
        '[1,"00000000-0000-0000-0000-000000000001","reveal","2026-11-22T12:00:00.000000+00:00",'
        '"","",null,null,"","","",2,"",null,null,"工单","",null,"",null,null,"","","","",""]'
    )
    made = AuditSeal(number=1, previous="0" * 64, root="ab" * 32, count=1, created_at=noon)
    made.key_id = "a1"
    link = f'[1,1,"{made.previous}","{made.root}",1,"2026-11-22T12:00:00.000000+00:00","a1"]'
    assert hash_of(made) == sha256(b"\0" + link.encode()).hexdigest()


@pytest.mark.django_db(transaction=True)
class TestAnIntactTrail:
    def test_is_intact_and_covers_the_seals_own_event(self, verified: Verification) -> None:
        checkpoint = sealed()
        code, said = verify(checkpoint)
        assert code == 0
        assert "0 events are not sealed" in said
        assert AuditEvent.objects.get(event=Event.SEAL).seal == 1

    def test_an_older_checkpoint_is_extended_by_todays_trail(self, verified: Verification) -> None:
        first = sealed()
        events(3)
        sealed()
        assert verify(first)[0] == 0

    def test_the_unsealed_tail_is_counted_and_is_no_fault(self, verified: Verification) -> None:
        sealed()
        events(2)
        code, said = verify()
        assert code == 0
        assert "2 events are not sealed" in said

    def test_batches_make_a_chain_of_seals_that_covers_every_event(self) -> None:
        events(25)
        sealed(batch_size=10)
        assert list(AuditSeal.objects.values_list("number", "count")) == [(1, 11), (2, 11), (3, 6)]
        assert not AuditEvent.objects.filter(seal=None).exists()
        assert verify()[0] == 0

    def test_the_smallest_batches_come_to_an_end(self) -> None:
        events(3)
        sealed(batch_size=1)
        assert list(AuditSeal.objects.values_list("count", flat=True)) == [2, 2, 2, 1]
        assert verify()[0] == 0

    def test_a_record_that_is_erased_or_whose_user_is_deleted_agrees(
        self, verified: Verification, sandbox: Sandbox, user: Any
    ) -> None:
        with pytest.raises(InvalidAuthToken):
            services.exchange(user=user, auth_token="unknown-to-WeChat")
        services.erase(verified, actor=user, reason="asked")
        assert verify()[0] == 0
        user.delete()
        assert verify()[0] == 0

    def test_verification_writes_nothing(
        self, verified: Verification, django_assert_num_queries: Any
    ) -> None:
        sealed()
        with django_assert_num_queries(60, exact=False) as queries:
            verify()
        reads = ("SELECT", "DECLARE")  # PostgreSQL's cursors
        assert not [q for q in queries.captured_queries if not q["sql"].startswith(reads)]

    def test_verification_tells_how_far_it_is(self, verified: Verification) -> None:
        events(25)
        sealed(batch_size=10)
        told: list[tuple[str, int]] = []
        assert not list(audit.faults([], lambda what, done: told.append((what, done))))
        assert told == [("seals", 1), ("seals", 2), ("seals", 3), ("records", 1)]

    def test_batches_of_records_find_the_same(self, verified: Verification) -> None:
        rows = [Verification(pk=uuid7(), status="verified", token_digest=n) for n in range(5)]
        for row in rows:
            row.created_at = row.started_at = django_timezone.now()
        Verification.objects.bulk_create(rows)
        found = [
            list(audit.faults([], lambda what, done: None, batch_size=size)) for size in (1, 2, 9)
        ]
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 5

    def test_codes_and_seals_both_need_the_key_that_was_derived(
        self, sandbox: Sandbox, user: Any, settings: Any
    ) -> None:
        own = settings.WX_REALNAME
        settings.WX_REALNAME = {name: own[name] for name in own if name != "AUDIT_KEYS"}
        services.exchange(user=user, auth_token=sandbox.issue_auth_token(PERSON))
        sealed()
        assert (audit.needing("i1"), audit.needing("a1")) == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_a_seal_whose_number_another_sealer_took_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sealed()
    first = AuditSeal.objects.values().get()
    made, late = sealing._sign, [True]

    def looked_too_early(last: AuditSeal | None, events: list[AuditEvent]) -> AuditSeal:
        seal: AuditSeal = made(None if late and late.pop() else last, events)
        return seal

    monkeypatch.setattr(sealing, "_sign", looked_too_early)
    sealed()
    assert not late
    assert AuditSeal.objects.values().get(number=1) == first
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_nothing_is_sealed() -> None:
    """It could be rolled back after its checkpoint was handed out."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        next(audit.seal())
    assert not AuditSeal.objects.exists()


def an_event_changed() -> None:
    AuditEvent.objects.filter(event=Event.EXCHANGE).update(actor_id="somebody else")


def an_event_backdated() -> None:
    AuditEvent.objects.filter(event=Event.EXCHANGE).update(created_at=django_timezone.now())


def an_event_removed() -> None:
    AuditEvent.objects.filter(event=Event.EXCHANGE).delete()


def an_event_replaced() -> None:
    """Where a row can be deleted and inserted by one word, of which SQLite's triggers hear nothing."""
    if connection.vendor == "postgresql":
        an_event_removed()
        return
    table = AuditEvent._meta.db_table
    connection.cursor().execute(f"REPLACE INTO {table} SELECT * FROM {table} WHERE seal = 1")  # noqa: S608


def an_event_replaced_by_its_place() -> None:
    """SQLite's rows have a number beside their key, by which another can take their place."""
    if connection.vendor != "sqlite":
        an_event_removed()
        return
    fields = [field.column for field in AuditEvent._meta.concrete_fields if field.column != "id"]
    names, table = ", ".join(fields), AuditEvent._meta.db_table
    connection.cursor().execute(
        f"REPLACE INTO {table} (rowid, id, {names}) "  # noqa: S608
        f"SELECT rowid, '{uuid7().hex}', {names} FROM {table} WHERE seal = 1"
    )


def an_event_pushed_out_by_another() -> None:
    if connection.vendor != "sqlite":
        an_event_removed()
        return
    table = AuditEvent._meta.db_table
    events(1)
    connection.cursor().execute(
        f"UPDATE OR REPLACE {table} SET seal = 1, rowid = (SELECT MIN(rowid) FROM {table}) "  # noqa: S608
        "WHERE seal IS NULL"
    )


def the_trail_emptied() -> None:
    verb = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
    connection.cursor().execute(f"{verb} {AuditEvent._meta.db_table}")


def an_event_added() -> None:
    AuditEvent.objects.create(
        id=uuid7(), event=Event.REVEAL, created_at=django_timezone.now(), seal=1
    )


def an_event_added_to_no_seal() -> None:
    AuditEvent.objects.create(
        id=uuid7(), event=Event.REVEAL, created_at=django_timezone.now(), seal=9
    )


def an_event_unsealed() -> None:
    AuditEvent.objects.filter(event=Event.EXCHANGE).update(seal=None)


def a_seal_removed() -> None:
    AuditSeal.objects.filter(number=1).delete()


def a_seal_changed() -> None:
    AuditSeal.objects.filter(number=1).update(count=1)


def a_seal_relinked() -> None:
    AuditSeal.objects.filter(number=2).update(previous="f" * 64)


def a_list_of_members_cut() -> None:
    AuditSeal.objects.filter(number=1).update(members=b"")


def a_record_made_verified() -> None:
    Verification.objects.filter(status="rejected").update(status="verified")


def a_record_given_to_another() -> None:
    Verification.objects.filter(status="verified").update(user=None)


def a_record_removed() -> None:
    Verification.objects.filter(status="verified").delete()


def a_record_added() -> None:
    row = Verification.objects.get(status="verified")
    row.pk, row.token_digest, row.answer_digest = uuid7(), "0" * 64, None
    row.save(force_insert=True)


@pytest.mark.django_db
def test_what_derived_keys_wrote_is_borne_out_after_audit_keys_are_set(
    sandbox: Sandbox, user: Any, settings: Any
) -> None:
    with_keys = settings.WX_REALNAME
    settings.WX_REALNAME = with_keys | {"AUDIT_KEYS": None}
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(PERSON))
    sealed()
    settings.WX_REALNAME = with_keys
    sealed()
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
class TestATrailThatWasTamperedWith:
    @pytest.fixture
    def rejected(self, user: Any, sandbox: Sandbox) -> None:
        with pytest.raises(InvalidAuthToken):
            services.exchange(user=user, auth_token="unknown-to-WeChat")

    @pytest.mark.parametrize(
        ("tamper", "said"),
        [
            (an_event_changed, "changed"),
            (an_event_backdated, "changed"),
            (an_event_removed, "removed"),
            (an_event_added, "added"),
            (an_event_added_to_no_seal, "claims seal 9"),
            (an_event_unsealed, "removed"),
            (a_seal_removed, "seal 1 is missing"),
            (a_seal_changed, "seal 1"),
            (a_seal_relinked, "seal 2 is not linked"),
            (a_list_of_members_cut, "members of seal 1"),
            (a_record_made_verified, "is verified, but no audit event"),
            (a_record_given_to_another, "is verified, but no audit event"),
            (a_record_removed, "was removed"),
            (a_record_added, "is verified, but no audit event"),
        ],
    )
    def test_the_fault_is_found_and_named(
        self, verified: Verification, rejected: None, tamper: Callable[[], None], said: str
    ) -> None:
        sealed()
        sealed()
        tamper()
        code, output = verify()
        assert code == 1
        assert said in output

    def test_a_trail_cut_at_its_end_is_found_by_the_checkpoint(
        self, verified: Verification
    ) -> None:
        sealed()
        checkpoint = sealed()
        AuditSeal.objects.filter(number=2).delete()
        AuditEvent.objects.filter(seal=2).delete()
        assert verify()[0] == 0
        assert verify(checkpoint)[0] == 1

    def test_a_chain_that_was_made_anew_is_found_by_the_checkpoint(
        self, verified: Verification
    ) -> None:
        checkpoint = sealed()
        AuditSeal.objects.all().delete()
        AuditEvent.objects.filter(event=Event.SEAL).delete()
        AuditEvent.objects.update(seal=None, actor_id="somebody else")
        sealed()
        code, said = verify(checkpoint)
        assert code == 1
        assert "seal 1 is not the one of the checkpoint" in said.splitlines()

    def test_a_seal_of_a_key_that_is_gone_is_reported(
        self, verified: Verification, settings: Any
    ) -> None:
        sealed()
        sealed()  # its own event is there to be sealed
        keys = settings.WX_REALNAME["AUDIT_KEYS"]
        settings.WX_REALNAME = settings.WX_REALNAME | {
            "AUDIT_KEYS": [keys[0].replace("a1:", "a2:")]
        }
        code, said = verify()
        assert code == 1
        assert said.count("AUDIT_KEYS lacks a1, which signed 2 seals, number 1") == 1, said


@pytest.mark.django_db(transaction=True)
def test_no_event_of_32_writers_is_missed_while_two_sealers_run() -> None:
    writers, each = 32, 8

    def write() -> None:
        for n in range(each):
            with durable(connection.alias):
                events(1)
                time.sleep(0.004 * (n % 4 == 0))  # what began first isn't committed first

    def seal() -> None:
        for _ in range(6):
            sealed(batch_size=15)

    came = at_once(*[write] * writers, seal, seal)
    assert came == [None] * (writers + 2)
    sealed()
    assert AuditEvent.objects.filter(event=Event.REVEAL).count() == writers * each
    assert not AuditEvent.objects.filter(seal=None).exists()
    covered = AuditSeal.objects.aggregate(count=Sum("count"))["count"]
    assert covered == AuditEvent.objects.count()
    assert verify()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_many_sealers_who_take_one_anothers_numbers_all_end_well() -> None:
    events(60)
    assert at_once(*[partial(sealed, batch_size=2)] * 4).count(None) == 0
    assert verify()[0] == 0
    assert not AuditEvent.objects.filter(seal=None).exists()


@pytest.mark.django_db
def test_what_is_no_missing_privilege_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*args: object, **kwargs: object) -> None:
        raise ProgrammingError("a word of the driver's")

    monkeypatch.setattr(AuditSeal, "save", failed)
    with pytest.raises(CommandError) as error:
        call_command("realname_seal_audit")
    assert str(error.value) == "The database failed (ProgrammingError): --traceback shows where."
    assert error.value.returncode == 2
    assert not AuditEvent.objects.exists()


@each("text", ["nonsense", "1:abc", "1:" + "g" * 64, "x:" + "0" * 64])
def test_a_malformed_checkpoint_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(CommandError, match="64 hex digits") as error:
        call_command("realname_verify_audit", f"--checkpoint={text}")
    assert error.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "unheard-of", reason="triggers are for this database")
@pytest.mark.parametrize("option", ["--install", "--remove"])
def test_a_database_that_nobody_knows_gets_grants_in_place_of_triggers(option: str) -> None:
    with pytest.raises(CommandError, match="no triggers for this app: use grants"):
        call_command("realname_protect_audit", option, stdout=StringIO())


@pytest.mark.skipif(connection.vendor == "unheard-of", reason="no triggers there: use grants")
@pytest.mark.django_db(transaction=True)
class TestProtection:
    @pytest.fixture(autouse=True)
    def protected(self, verified: Verification) -> Any:
        call_command("realname_protect_audit", "--install", stdout=StringIO())
        yield
        call_command("realname_protect_audit", "--remove", stdout=StringIO())

    @pytest.mark.parametrize(
        "tamper",
        [
            an_event_changed,
            an_event_removed,
            an_event_unsealed,
            a_seal_removed,
            a_seal_changed,
            an_event_replaced,
            an_event_replaced_by_its_place,
            an_event_pushed_out_by_another,
            an_event_added,
            the_trail_emptied,
        ],
    )
    def test_the_database_refuses_to_change_or_delete(self, tamper: Callable[[], None]) -> None:
        sealed()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            tamper()

    def test_sealing_goes_on_and_installing_twice_is_harmless(self) -> None:
        call_command("realname_protect_audit", "--install", stdout=StringIO())
        sealed()
        assert verify()[0] == 0
