"""Key rotation stopped and gone on with, and while the site goes on: nothing is lost or written over."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from tests.conftest import at_once
from tests.rotation import (
    CITIZEN,
    E1,
    E2,
    I1,
    I2,
    PERSON,
    Configure,
    all_read,
    begun,
    child,
    made,
    plain,
    reasons,
    rotated,
    run,
)
from wx_realname import audit, services
from wx_realname.models import AuditEvent, Verification
from wx_realname.personal_data import PersonalData
from wx_realname.sandbox import Sandbox
from wx_realname.services.upkeep import rotation
from wx_realname.services.upkeep.key_use import key_use, stale
from wx_realname.services.upkeep.rotation import Rotated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _first_keys(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])


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


# --- stopped, and gone on with ----------------------------------------------------------------


def test_interrupted_within_a_batch_it_leaves_whole_rows_and_an_event(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(10)
    configure(ENCRYPTION_KEYS=[E2, E1])
    written, batches = rotation._Run._write, iter([None, None])

    def interrupted(self: Any, changes: Any) -> Any:
        result = written(self, changes)
        if next(batches, "over") == "over":
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(rotation._Run, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("--batch-size=3")
    monkeypatch.undo()
    configure(ENCRYPTION_KEYS=[E2, E1])
    assert stale().count() == 4
    assert all_read()
    assert rotated() == Rotated(encrypted=4)
    assert [reason.split()[0] for reason in reasons()] == ["6", "4"]


def test_killed_it_goes_on_where_it_was_and_the_trail_tells_that_there_was_a_run(
    configure: Configure,
) -> None:
    made(10)
    with child(3, stdin=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == "3\n"
        process.kill()
    assert (len(begun()), reasons()) == (1, [])
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    assert rotated() == Rotated(encrypted=7, indexed=7)
    assert all_read()


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
    audit.append_outcomes(
        AuditEvent.Event.EXCHANGE, audit.Origin(), rows, using="default", reason=""
    )
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
    assert "1 was locked by others all the while: run this again" in said
    assert "ENCRYPTION_KEYS e1 (AES-256-GCM): still needed: 1 record" in said
    assert all_read()
