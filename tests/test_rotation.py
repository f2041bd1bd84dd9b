"""Key rotation: everything comes under the first keys while the site goes on, and nothing is lost."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import at_once
from wx_realname import audit, conf, services
from wx_realname.exceptions import ConfigurationError, DecryptionError
from wx_realname.models import AuditEvent, Verification
from wx_realname.personal_data import PersonalData
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import rotation
from wx_realname.services.key_use import key_use, stale
from wx_realname.services.rotation import Rotated, rotate_keys
from wx_realname.uuid7 import uuid7
from wx_realname.vault import blind_index
from wx_realname.vault.fields import Sealed

pytestmark = pytest.mark.django_db(transaction=True)
Configure = Callable[..., None]

PERSON = PersonalData("欧阳娜", "440524198001010013")
CITIZEN = Citizen(PERSON.real_name, PERSON.credential_id)


def key(key_id: str, byte: int, algorithm: str = "AES-256-GCM") -> str:
    length = conf.KEY_BYTES[algorithm]
    return f"{key_id}:{algorithm}:{base64.b64encode(bytes([byte]) * length).decode()}"


E1, E2, S3 = key("e1", 1), key("e2", 2), key("s3", 3, "SM4-GCM")
I1, I2 = (f"i{n}:{base64.b64encode(bytes([byte]) * 32).decode()}" for n, byte in ((1, 2), (2, 9)))


@pytest.fixture(autouse=True)
def _first_keys(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])


def made(count: int = 1, **changes: Any) -> list[Verification]:
    """Verified records under the keys of now, without the exchanges."""
    now, settings = timezone.now(), conf.current()
    rows = []
    for _ in range(count):
        pk = uuid7()
        name, number = Verification.sealed(pk, PERSON)
        values = {
            "id": pk,
            "merchant": "default",
            "method": "authorize",
            "status": "verified",
            "real_name_encrypted": name,
            "credential_id_encrypted": number,
            "real_name_index": index(blind_index.names, blind_index.name_form(PERSON.real_name)),
            "credential_id_index": index(blind_index.numbers, PERSON.credential_id),
            "index_key_id": settings.index_keys[0].key_id,
            "created_at": now,
            "started_at": now,
            "token_digest": pk.hex,
            "token_key_id": settings.index_keys[0].key_id,
        }
        rows.append(Verification(**values | changes))
    return Verification.objects.bulk_create(rows, batch_size=500)


def index(purpose: Callable[..., blind_index.BlindIndex], value: str) -> str:
    """As the first key makes it."""
    return purpose(conf.current().index_keys).digest(value).hex


def rotated(**options: Any) -> Rotated:
    """All batches together."""
    batches = list(rotate_keys(**options))
    return Rotated(
        sum(batch.encrypted for batch in batches),
        sum(batch.indexed for batch in batches),
        sum(batch.busy for batch in batches),
        tuple(each for batch in batches for each in batch.unreadable),
    )


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("realname_rotate_keys", *arguments, stdout=out, stderr=out)
    except SystemExit as exit_:
        return int(str(exit_.code)), out.getvalue()
    return 0, out.getvalue()


def plain(row: Verification) -> tuple[str, str]:
    data = Verification.objects.get(pk=row.pk).personal_data()
    assert data is not None
    return data.real_name, data.credential_id


def all_read() -> bool:
    rows = [row.personal_data() for row in Verification.objects.all()]
    return all(row and row.credential_id == PERSON.credential_id for row in rows)


def begun() -> list[AuditEvent]:
    """The events that went before each run."""
    events = AuditEvent.objects.filter(event="rotation", reason__startswith="begun")
    return list(events.order_by("created_at", "id"))


def reasons() -> list[str]:
    """What each run that ended told, one after another."""
    events = AuditEvent.objects.filter(event="rotation").exclude(reason__startswith="begun")
    told = events.order_by("created_at", "id").values_list("reason", flat=True)
    ends, names = zip(*[text.split("; begun ") for text in told], strict=True) if told else ((), ())
    assert set(names) <= {str(event.pk) for event in begun()}
    return list(ends)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Do something once, between a batch's reading and its writing."""

    def arrange(work: Callable[[], Any]) -> None:
        renewed, works = rotation._Renewal.of, [work]

        def interrupted(self: Any, rows: Any) -> Any:
            result = renewed(self, rows)
            if works:
                works.pop()()
            return result

        monkeypatch.setattr(rotation._Renewal, "of", interrupted)

    return arrange


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
    header = b"\x01" + bytes([1 + (first == S3), 2]) + first[:2].encode()
    for row in Verification.objects.values():
        changed = {name for name in row if row[name] != before[row["id"]][name]}
        assert changed == {"real_name_encrypted", "credential_id_encrypted"}
        assert all(row[name].envelope.startswith(header) for name in changed)


def test_what_is_done_is_not_done_again(configure: Configure) -> None:
    made(3)
    configure(ENCRYPTION_KEYS=[E2, E1])
    rotated()
    before = list(Verification.objects.values())
    assert rotated() == Rotated()
    assert list(Verification.objects.values()) == before
    assert reasons() == ["3 re-encrypted under e2, 0 re-indexed under i1, 0 unreadable"]


def test_nothing_to_do_leaves_no_event() -> None:
    made()
    assert rotated() == Rotated()
    assert (begun(), reasons()) == ([], [])


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
    assert "INDEX_KEYS i1: still needed: 1 records are found by it" in said
    assert "1 records know their auth_token by it" in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): can be removed" in said


def test_outcome_codes_and_seals_need_the_index_key_they_are_derived_from(
    sandbox: Sandbox, user: Any, configure: Configure
) -> None:
    configure(AUDIT_KEYS=None)
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    list(audit.seal())
    configure(INDEX_KEYS=[I2, I1])
    assert "2 outcome codes and seals of the audit trail" in run()[1]


# --- stopped, and gone on with ----------------------------------------------------------------


def test_stopped_between_batches_it_goes_on_where_it_was(configure: Configure) -> None:
    made(10)
    configure(ENCRYPTION_KEYS=[E2, E1])
    batches = rotate_keys(batch_size=3)
    assert next(batches).encrypted + next(batches).encrypted == 6
    batches.close()
    assert rotated() == Rotated(encrypted=4)
    assert [reason.split()[0] for reason in reasons()] == ["6", "4"]


def test_interrupted_within_a_batch_it_leaves_whole_rows_and_an_event(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(10)
    configure(ENCRYPTION_KEYS=[E2, E1])
    written, batches = rotation._Run._written, iter([None, None])

    def interrupted(self: Any, changes: Any) -> Any:
        result = written(self, changes)
        if next(batches, "over") == "over":
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(rotation._Run, "_written", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("--batch-size=3")
    monkeypatch.undo()
    configure(ENCRYPTION_KEYS=[E2, E1])
    assert stale().count() == 4
    assert all_read()
    assert rotated() == Rotated(encrypted=4)
    assert [reason.split()[0] for reason in reasons()] == ["6", "4"]


CHILD = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.WX_REALNAME |= {"ENCRYPTION_KEYS": sys.argv[2:]}
django.setup()
from wx_realname.services.rotation import rotate_keys
for batch in rotate_keys(batch_size=3):
    print(batch.encrypted, flush=True)
    input()
"""


def test_killed_it_goes_on_where_it_was(configure: Configure) -> None:
    made(10)
    command = [sys.executable, "-c", CHILD, str(connection.settings_dict["NAME"]), E2, E1]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=_environment(),
    )
    with child:
        assert child.stdin and child.stdout
        assert child.stdout.readline() == "3\n"
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "3\n"
        child.kill()
    assert (len(begun()), reasons()) == (1, [])  # the trail tells that there was a run
    configure(ENCRYPTION_KEYS=[E2, E1])
    assert rotated() == Rotated(encrypted=4)
    assert all_read()


def _environment() -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}


# --- while the site goes on -------------------------------------------------------------------


def test_two_at_once_do_each_row_once(configure: Configure) -> None:
    made(60)
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    came = at_once(*[partial(rotated, batch_size=7)] * 2)
    assert sum(each.encrypted for each in came) == 60
    assert sum(each.indexed for each in came) == 60
    assert not any(each.unreadable for each in came)
    assert not stale().exists()
    assert all_read()


def test_what_is_erased_meanwhile_stays_erased(
    configure: Configure, meanwhile: Any, user: Any
) -> None:
    rows = made(3)
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    meanwhile(partial(services.erase, rows[1], actor=user, reason="a test"))
    assert rotated() == Rotated(encrypted=2, indexed=2)
    erased = Verification.objects.values().get(pk=rows[1].pk)
    personal = [name for name in erased if name.startswith(("real_name", "credential_id"))]
    assert {erased[name] for name in personal} == {None}
    assert (erased["status"], erased["index_key_id"]) == ("erased", "")
    assert not stale().exists()


def test_what_is_changed_meanwhile_is_not_overwritten(configure: Configure, meanwhile: Any) -> None:
    rows = made(3)
    name, number = Verification.sealed(rows[1].pk, PersonalData("新名", PERSON.credential_id))
    configure(ENCRYPTION_KEYS=[E2, E1])
    changed = Verification.objects.filter(pk=rows[1].pk)
    meanwhile(partial(changed.update, real_name_encrypted=name, credential_id_encrypted=number))
    assert rotated() == Rotated(encrypted=3)
    assert [plain(row)[0] for row in rows] == ["欧阳娜", "新名", "欧阳娜"]


def test_an_exchange_meanwhile_is_under_the_first_key(
    configure: Configure, meanwhile: Any, sandbox: Sandbox, user: Any
) -> None:
    made(3)
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    token = sandbox.issue_auth_token(CITIZEN)
    meanwhile(partial(services.exchange, user=user, auth_token=token))
    assert rotated(batch_size=2) == Rotated(encrypted=3, indexed=3)
    assert [key.records for key in key_use().encryption] == [4, 0]
    assert all_read()


@pytest.fixture
def locked() -> Iterator[Callable[[Verification], None]]:
    """Hold a row's lock in a connection of another thread."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip(f"{connection.vendor} has no row locks to skip")
    holds, over, threads = threading.Event(), threading.Event(), []

    def hold(row: Verification) -> None:
        with transaction.atomic():
            Verification.objects.select_for_update().get(pk=row.pk)
            holds.set()
            over.wait(20)
        connection.close()

    def start(row: Verification) -> None:
        threads.append(threading.Thread(target=hold, args=[row]))
        threads[0].start()
        assert holds.wait(20)

    yield start
    over.set()
    for thread in threads:
        thread.join()


def test_a_row_that_somebody_holds_is_waited_for_by_nobody(
    configure: Configure, locked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made(5)
    monkeypatch.setattr(rotation, "PAUSES", (0.01, 0.01))
    configure(ENCRYPTION_KEYS=[E2, E1])
    locked(rows[2])
    code, said = run("--batch-size=2")
    assert code == 0
    assert "1 were locked by others all the while: run this again" in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): still needed: 1 records" in said
    assert all_read()


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
    assert "1 records have a ciphertext under no key of ENCRYPTION_KEYS." in said
    assert [Verification.objects.values().get(pk=rows[n].pk) for n in (1, 3)] == untouched
    assert reasons() == ["3 re-encrypted under e2, 3 re-indexed under i2, 2 unreadable"]
    assert run()[0] == 1


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x01\x01\x02", b"a plain value", bytes(99)])
def test_what_is_no_ciphertext_is_named(junk: bytes) -> None:
    row = made()[0]
    Verification.objects.update(real_name_encrypted=Sealed(junk))
    assert [each.record for each in rotated().unreadable] == [row.pk]
    assert key_use().strays == 1


def test_a_key_of_the_same_id_and_another_algorithm_is_another_key(configure: Configure) -> None:
    made()
    configure(ENCRYPTION_KEYS=[key("e1", 1, "SM4-GCM")])
    assert len(rotated().unreadable) == 1
    with pytest.raises(DecryptionError):
        Verification.objects.get().personal_data()


# --- the command ------------------------------------------------------------------------------


def test_a_dry_run_counts_by_key_and_writes_nothing(configure: Configure) -> None:
    made(2)
    configure(ENCRYPTION_KEYS=[S3, E2, E1], INDEX_KEYS=[I2, I1])
    made(1)
    with CaptureQueriesContext(connection) as queries:
        code, said = run("--dry-run")
    assert code == 0
    assert all(query["sql"].startswith("SELECT") for query in queries)
    assert "2 records would be re-encrypted or re-indexed." in said
    assert "ENCRYPTION_KEYS s3 (SM4-GCM): writes; 1 records are encrypted under it." in said
    assert "ENCRYPTION_KEYS e2 (AES-256-GCM): can be removed, nothing needs it." in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): still needed: 2 records are encrypted" in said
    assert "INDEX_KEYS i1: still needed: 2 records are found by it" in said


@pytest.mark.once
def test_ten_thousand_rows_take_the_same_few_queries_a_batch(configure: Configure) -> None:
    made(10_000)
    needed = []
    for keys, size in (([E2, E1], 1_000), ([E1, E2], 2_000)):
        configure(ENCRYPTION_KEYS=keys)
        with CaptureQueriesContext(connection) as queries:
            assert rotated(batch_size=size) == Rotated(encrypted=10_000)
        needed.append(len(queries))
    assert needed[0] - needed[1] <= 5 * 5  # read, begin, lock, write, commit: for five batches more


def test_the_trail_stays_intact(sandbox: Sandbox, user: Any, configure: Configure) -> None:
    services.exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))
    list(audit.seal())
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    run()
    list(audit.seal())
    assert list(audit.faults([], lambda what, count: None)) == []
    (event,) = begun()
    assert event.reason == "begun: to e2 and i2"
    assert (event.verification_id, event.user_id, event.outcome_hmac) == (None, "", "")


@pytest.mark.parametrize("size", ["0", "-1", "10001", "x"])
def test_a_senseless_batch_size_is_refused(size: str) -> None:
    with pytest.raises(CommandError, match="batch-size"):
        run(f"--batch-size={size}")


def test_a_wrong_setting_is_named(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=["e1"])
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        run()


def test_inside_the_callers_transaction_it_is_refused(configure: Configure) -> None:
    made()
    configure(ENCRYPTION_KEYS=[E2, E1])
    with transaction.atomic(), pytest.raises(ConfigurationError, match="atomic"):
        rotated()
    assert stale().count() == 1
