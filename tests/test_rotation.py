"""Key rotation: everything comes under the first keys, and what can't is named."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.cases import each
from tests.rotation import (
    CITIZEN,
    E1,
    E2,
    I1,
    I2,
    PERSON,
    S3,
    Configure,
    all_read,
    begun,
    index,
    key,
    made,
    plain,
    reasons,
    rotated,
    run,
)
from tests.trail import faults
from wx_realname import audit, services
from wx_realname.exceptions import ConfigurationError
from wx_realname.models import Verification
from wx_realname.sandbox import Sandbox
from wx_realname.services.upkeep.key_use import key_use, stale
from wx_realname.services.upkeep.rotation import Rotated
from wx_realname.vault import blind_index
from wx_realname.vault.fields import Sealed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _first_keys(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])


# --- encryption keys --------------------------------------------------------------------------


@pytest.mark.parametrize("first", [E2, S3], ids=["AES to AES", "AES to SM4"])
def test_both_columns_come_under_the_first_key_and_the_old_one_can_go(
    first: str, configure: Configure
) -> None:
    made(5)
    before = {row["id"]: row for row in Verification.objects.values()}
    configure(ENCRYPTION_KEYS=[first, E1])
    assert rotated(batch_size=2) == Rotated(encrypted=5)
    configure(ENCRYPTION_KEYS=[first])
    assert all_read()
    header = (b"\x02\x02\x02" if first == S3 else b"\x01\x01\x02") + first[:2].encode()
    for row in Verification.objects.values():
        changed = {name for name in row if row[name] != before[row["id"]][name]}
        assert changed == {"real_name_encrypted", "credential_id_encrypted"}
        assert all(row[name].envelope.startswith(header) for name in changed)


def test_what_is_done_is_not_done_again_and_leaves_no_event(configure: Configure) -> None:
    made(3)
    assert (rotated(), begun(), reasons()) == (Rotated(), [], [])
    configure(ENCRYPTION_KEYS=[E2, E1])
    rotated()
    before = list(Verification.objects.values())
    assert rotated() == Rotated()
    assert list(Verification.objects.values()) == before
    assert reasons() == ["3 re-encrypted under e2, 0 re-indexed under i1, 0 unreadable"]


@pytest.mark.parametrize("gone", ["real_name_encrypted", "credential_id_encrypted"])
def test_a_row_with_one_ciphertext_only_keeps_it(configure: Configure, gone: str) -> None:
    row = made()[0]
    Verification.objects.update(**{gone: None})
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    assert rotated() == Rotated(encrypted=1)
    assert rotated() == Rotated()
    row.refresh_from_db()
    assert getattr(row, gone) is None
    assert key_use().encryption[0].records == 1


def test_a_column_that_is_current_already_stays_byte_for_byte(configure: Configure) -> None:
    row = made()[0]
    configure(ENCRYPTION_KEYS=[E2, E1])
    name, _ = Verification.sealed(row.pk, PERSON)
    Verification.objects.update(real_name_encrypted=name)
    assert rotated() == Rotated(encrypted=1)
    assert Verification.objects.get().real_name_encrypted == name
    assert all_read()


# --- index keys -------------------------------------------------------------------------------


def test_a_person_is_found_by_the_new_index_and_the_token_is_known_again(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    token = sandbox.issue_auth_token(CITIZEN)
    row = services.exchange(user=user, auth_token=token)
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    assert rotated() == Rotated(encrypted=1, indexed=1)
    row.refresh_from_db()
    assert (row.index_key_id, row.token_key_id) == ("i2", "i1")
    assert row.real_name_index == index(blind_index.names, blind_index.name_form("欧阳娜"))
    assert row.credential_id_index == index(blind_index.numbers, PERSON.credential_id)
    assert services.exchange(user=user, auth_token=token).pk == row.pk
    assert plain(row) == (PERSON.real_name, PERSON.credential_id)


def test_index_keys_alone_leave_the_ciphertexts_as_they_are(configure: Configure) -> None:
    made(3)
    before = set(Verification.objects.values_list("real_name_encrypted", flat=True))
    configure(INDEX_KEYS=[I2, I1])
    assert rotated() == Rotated(indexed=3)
    assert set(Verification.objects.values_list("real_name_encrypted", flat=True)) == before
    assert set(Verification.objects.values_list("index_key_id", flat=True)) == {"i2"}


def test_masked_storage_keeps_its_index_and_its_key_is_still_needed(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    configure(STORAGE="masked")
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    before = Verification.objects.values().get()
    configure(STORAGE="masked", ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    code, said = run()
    assert Verification.objects.values().get() == before
    assert (code, reasons()) == (0, [])
    assert "INDEX_KEYS i1: still needed: 1 record is found by it" in said
    assert "1 record recognizes its auth_token by it" in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): can be removed" in said


def test_outcome_codes_and_seals_need_the_index_key_they_are_derived_from(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    configure(AUDIT_KEYS=None)
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    list(audit.seal())
    configure(INDEX_KEYS=[I2, I1])
    assert "2 outcome codes and seals of the audit trail" in run()[1]


# --- what can't be read -----------------------------------------------------------------------


def test_a_tampered_row_and_one_of_an_unknown_key_are_named_and_left(configure: Configure) -> None:
    rows = made(5)
    configure(ENCRYPTION_KEYS=[key("e0", 7)])
    strange, _ = Verification.sealed(rows[1].pk, PERSON)
    Verification.objects.filter(pk=rows[1].pk).update(real_name_encrypted=strange)
    envelope = rows[3].credential_id_encrypted.envelope
    tampered = Sealed(envelope[:-1] + bytes([envelope[-1] ^ 1]))
    Verification.objects.filter(pk=rows[3].pk).update(credential_id_encrypted=tampered)
    untouched = [Verification.objects.values().get(pk=rows[n].pk) for n in (1, 3)]
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    code, said = run("--batch-size=2")
    assert code == 1
    assert "3 records re-encrypted, 3 re-indexed." in said
    assert f"record {rows[1].pk}: ENCRYPTION_KEYS has no key 'e0'" in said
    assert f"record {rows[3].pk}: the ciphertext was altered" in said
    assert "2 can't be decrypted" in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): still needed: 2 records" in said
    assert "1 record has a ciphertext under no key of ENCRYPTION_KEYS." in said
    assert [Verification.objects.values().get(pk=rows[n].pk) for n in (1, 3)] == untouched
    assert reasons() == ["3 re-encrypted under e2, 3 re-indexed under i2, 2 unreadable"]
    assert run()[0] == 1


def test_what_is_no_ciphertext_is_named() -> None:
    junk = [b"", b"\x01", b"\x01\x01\x02", b"a plain value", bytes(99)]
    ids = [made(real_name_encrypted=Sealed(one))[0].pk for one in junk]
    assert {one.record for one in rotated().unreadable} == {*ids}
    assert key_use().strays == len(junk)


# --- the command ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_counts_by_key_and_writes_nothing(configure: Configure) -> None:
    made(2)
    configure(ENCRYPTION_KEYS=[S3, E2, E1], INDEX_KEYS=[I2, I1])
    made(1)
    with CaptureQueriesContext(connection) as queries:
        code, said = run("--dry-run")
    assert code == 0
    assert all(query["sql"].startswith("SELECT") for query in queries)
    assert "2 records would be re-encrypted or re-indexed." in said
    assert "ENCRYPTION_KEYS s3 (SM4-GCM): writes; 1 record is encrypted under it." in said
    assert "ENCRYPTION_KEYS e2 (AES-256-GCM): can be removed, nothing needs it." in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): still needed: 2 records are encrypted" in said
    assert "INDEX_KEYS i1: still needed: 2 records are found by it" in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
@pytest.mark.skipif(
    connection.vendor == "unheard-of",
    reason="there a row is a statement: 4,000 of them would prove nothing about batches",
)
def test_every_batch_takes_the_same_few_queries(configure: Configure) -> None:
    made(2_000)
    needed = []
    for keys, size in (([E2, E1], 200), ([E1, E2], 400)):
        configure(ENCRYPTION_KEYS=keys)
        with CaptureQueriesContext(connection) as queries:
            assert rotated(batch_size=size) == Rotated(encrypted=2_000)
        needed.append(len(queries))
    assert needed[0] - needed[1] <= 5 * 5  # read, begin, lock, write, commit: for five batches more


def test_the_trail_stays_intact(sandbox: Sandbox, user: Any, configure: Configure) -> None:
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    list(audit.seal())
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    run()
    list(audit.seal())
    assert faults() == []
    (event,) = begun()
    assert event.reason == "begun: to e2 and i2"
    assert (event.verification_id, event.user_id, event.outcome_hmac) == (None, "", "")


@each("size", ["0", "-1", "10001", "x"])
def test_a_senseless_batch_size_is_refused(size: str) -> None:
    with pytest.raises(CommandError, match="batch-size"):
        run(f"--batch-size={size}")


def test_inside_the_callers_transaction_it_is_refused(configure: Configure) -> None:
    made()
    configure(ENCRYPTION_KEYS=[E2, E1])
    with transaction.atomic(), pytest.raises(ConfigurationError, match="atomic"):
        rotated()
    assert stale().count() == 1
