"""The trail by months: the recipe of docs/scale.md, run as it stands there, with rows in the table.

Each test moves the table of the test database, and leaves it as it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction
from django.test import Client

from benchmarks import filling
from tests import settings as test_settings
from tests.conftest import at_once, verify
from tests.console import page, staff
from tests.partitions import (
    SCHEMA,
    TABLE,
    acting,
    guarded,
    month,
    partitions,
    places,
    recipe,
    rows_of,
    run,
    shape,
)
from tests.plans import Plan, plans
from tests.rotation import CITIZEN
from tests.test_query_plans import BEGIN, RARE
from tests.trail import call, events, is_reported, sealed
from wx_realname import audit, statistics
from wx_realname.admin.integrity import glance
from wx_realname.audit import records
from wx_realname.exceptions import OutcomeUnknown
from wx_realname.models import AuditEvent, AuditSeal, Verification
from wx_realname.sandbox import Sandbox
from wx_realname.services import exchange, keyset
from wx_realname.services.transactions import durable

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROWS = 12_000  # of the plans


Move = Callable[..., None]


@pytest.fixture
def move(transactional_db: None) -> Iterator[Move]:
    """Run the recipe, as if it were that day; afterwards the table is made anew."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: TEST_DATABASE_URL")
    before = shape()

    def moved(day: datetime | None = None) -> None:
        try:
            for step in recipe():
                run(step, day)
        finally:
            connection.close()  # with a transaction that a failure left open
        assert ("kind", TABLE, "p") in shape()

    yield moved
    run(f"RESET lock_timeout; DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    with connection.schema_editor() as editor:
        editor.delete_model(AuditEvent)
        editor.create_model(AuditEvent)
    assert shape() == before


@pytest.fixture
def checkpoint(user: Any, sandbox: Sandbox) -> str:
    """A trail of exchanges, sealed in two parts, and an unsealed tail; the last checkpoint."""
    exchanged(user, sandbox)
    events(30)
    sealed(batch_size=20)
    exchanged(user, sandbox)
    printed = sealed()
    events(3)
    return printed


def exchanged(user: Any, sandbox: Sandbox) -> Verification:
    return exchange(user=user, auth_token=sandbox.issue_auth_token(CITIZEN))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], datetime]:
    """Sets the clock of the ids forward; what it then shows."""

    def set_forward(by: timedelta) -> datetime:
        stub = SimpleNamespace(time_ns=lambda: time.time_ns() + int(by.total_seconds() * 1e9))
        monkeypatch.setattr("wx_realname.uuid7.time", stub)
        return datetime.now(timezone.utc) + by

    return set_forward


def test_both_languages_have_the_same_sql() -> None:
    assert recipe("en") == recipe("zh")
    assert len(recipe()) == 3


def test_no_event_is_lost_and_the_trail_goes_on(
    move: Move, checkpoint: str, user: Any, sandbox: Sandbox
) -> None:
    before, named = list(AuditEvent.objects.order_by("id").values()), shape()
    file = "SELECT pg_relation_filenode(%(table)s)"
    its_file = rows_of(file, table=TABLE)
    move()
    assert rows_of(file, table=f"{SCHEMA}.events_before") == its_file, "rows were copied"
    assert list(AuditEvent.objects.order_by("id").values()) == before
    assert {name for what, name, _ in shape() if what == "index"} == {
        name for what, name, _ in named if what == "index"
    }
    assert verify(checkpoint)[0] == 0
    exchanged(user, sandbox)
    later = sealed()
    code, said = verify(checkpoint, later)
    assert code == 0
    assert "0 events are not sealed" in said
    assert AuditEvent.objects.count() == len(before) + 2


def test_an_event_goes_to_its_month_and_what_has_none_is_kept(
    move: Move, clock: Callable[[timedelta], datetime], user: Any, sandbox: Sandbox
) -> None:
    move()
    exchanged(user, sandbox)
    then = clock(timedelta(days=100))
    exchanged(user, sandbox)
    clock(timedelta(days=500))
    exchanged(user, sandbox)
    assert places() == dict.fromkeys(
        (f"{SCHEMA}.events_before", month(then), f"{SCHEMA}.events_other"), 1
    )
    sealed()
    assert verify()[0] == 0


def test_without_a_default_partition_an_attempt_stays_pending(
    move: Move, clock: Callable[[timedelta], datetime], user: Any, sandbox: Sandbox
) -> None:
    move()
    run(f"DROP TABLE {SCHEMA}.events_other")
    clock(timedelta(days=500))
    with pytest.raises(OutcomeUnknown):
        exchanged(user, sandbox)
    assert Verification.objects.get().status == "pending"


def test_next_months_run_makes_what_is_missing_and_no_more(move: Move) -> None:
    move()
    before = partitions()
    run(recipe()[2])
    assert partitions() == before
    later = datetime.now(timezone.utc).replace(day=1) + timedelta(days=32)
    run(recipe()[2], later)
    (new,) = partitions() - before
    assert new == month(later.replace(day=1, year=later.year + 1))


def test_writers_notice_nothing_of_the_move(move: Move, checkpoint: str) -> None:
    writers, each = 6, 40

    def write() -> None:
        for _ in range(each):
            with durable(connection.alias):
                events(1)

    before = AuditEvent.objects.count()
    assert at_once(*[write] * writers, move) == [None] * (writers + 1)
    assert AuditEvent.objects.count() == before + writers * each
    sealed()
    assert verify(checkpoint)[0] == 0


def test_roles_keep_their_rights(move: Move, checkpoint: str) -> None:
    site, sealer = (f"wx_realname_{name}_{os.getpid()}" for name in ("site", "sealer"))
    run(f"CREATE ROLE {site}; CREATE ROLE {sealer}")
    try:
        run(f"GRANT SELECT, INSERT ON {TABLE} TO {site}, {sealer}")
        run(f"GRANT UPDATE (seal) ON {TABLE} TO {sealer}")
        run(f"GRANT SELECT, INSERT ON {AuditSeal._meta.db_table} TO {sealer}")
        move()
        with acting(site):
            events(1)
        with acting(sealer):
            sealed()
        assert not AuditEvent.objects.filter(seal=None).exists()
        for refused in (f"UPDATE {TABLE} SET seal = 1", f"DELETE FROM {SCHEMA}.events_before"):  # noqa: S608
            with acting(site), pytest.raises(DatabaseError, match="permission denied"):
                run(refused)
    finally:
        run(f"RESET ROLE; DROP OWNED BY {site}, {sealer}; DROP ROLE {site}, {sealer}")


# --- protection -------------------------------------------------------------------------------


def test_triggers_guard_every_partition_also_those_made_later(move: Move, checkpoint: str) -> None:
    move()
    call("realname_protect_audit", "--install")
    try:
        run(recipe()[2], datetime.now(timezone.utc) + timedelta(days=40))
        assert partitions() < guarded()
        for where in (TABLE, f"{SCHEMA}.events_before"):
            for tamper in (f"DELETE FROM {where}", f"UPDATE {where} SET actor_id = '7'"):  # noqa: S608
                with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                    run(tamper)
        sealed()
        call("realname_protect_audit", "--install")
        assert verify(checkpoint)[0] == 0
    finally:
        call("realname_protect_audit", "--remove")
    assert not guarded()


# --- a month that is taken away ---------------------------------------------------------------


def test_a_detached_month_is_missed_until_it_is_attached_again(move: Move, checkpoint: str) -> None:
    move()
    old = f"{SCHEMA}.events_before"
    ((bounds,),) = rows_of(
        f"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = '{old}'::regclass"  # noqa: S608
    )
    run(f"ALTER TABLE {TABLE} DETACH PARTITION {old}")
    is_reported("was removed", checkpoint=checkpoint)
    run(f"ALTER TABLE {TABLE} ATTACH PARTITION {old} {bounds}")
    assert verify(checkpoint)[0] == 0


# --- plans ------------------------------------------------------------------------------------


@pytest.fixture
def half_a_year(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of six months, a partition each; as many partitions again are still empty."""
    move(BEGIN - timedelta(days=15))
    monkeypatch.setattr(filling, "STEP", timedelta(days=180) / ROWS)
    filling.fill(ROWS, end=BEGIN + timedelta(days=180))
    assert len(places()) == 6


def check(found: Plan, *indexes: str) -> None:
    """No partition that has rows is read whole: each is entered by its part of one of the indexes."""
    said, filled = f"{found.sql}\n{found.told}", set(places())
    parts = "SELECT indrelid::regclass::text, relname FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid"
    parts += " JOIN pg_class ON oid = indexrelid WHERE inhparent::regclass::text = ANY(%(indexes)s)"
    entered = {
        table for table, name in rows_of(parts, indexes=list(indexes)) if name in found.indexes
    }
    assert entered >= filled, said
    assert not found.read_whole & {table.rpartition(".")[2] for table in filled}, said
    assert not found.sorts, said


def test_lists_and_sealing_enter_the_index_of_each_partition(
    half_a_year: None, configure: Callable[..., None]
) -> None:
    merchants = test_settings.WX_REALNAME["MERCHANTS"]
    configure(MERCHANTS=merchants | {"other": merchants["default"]})
    clerk = staff("view_verification", "view_auditevent")
    first = get_user_model().objects.order_by("pk")[0].pk
    middle = str(keyset.Place(BEGIN + timedelta(days=90), Verification().pk))
    for query, index in RARE["auditevent"].items():
        for place in ("", f"older={middle}", f"newer={middle}", f"newer={keyset.BOTTOM}"):
            (found,) = listed(clerk, f"{query.format(first=first)}&{place}")
            check(found, index, RARE["auditevent"][""])
    for work in (glance, lambda: next(audit.seal(batch_size=50))):
        read = plans(work, TABLE)
        (found, *_) = [each for each in read if "ORDER BY" in each.sql] or read
        check(found, "wx_realname_audit_seal")


def test_what_reads_the_trail_enters_each_partition_once(half_a_year: None) -> None:
    batch = list(records._batch(None, 100))
    (found,) = plans(lambda: records._last_outcomes(batch), TABLE)
    check(found, "wx_realname_audit_record")
    assert batch[0].pk.hex in found.sql
    assert batch[50].pk.hex not in found.sql
    attempts = AuditEvent.objects.filter(event__in=statistics.ENDS).count()
    assert sum(statistics.roll_up()) == attempts > ROWS * 0.9


def listed(clerk: Client, query: str) -> list[Plan]:
    def ask() -> None:
        assert clerk.get(f"{page('auditevent')}?{query.strip('&')}").status_code == 200

    return [each for each in plans(ask, TABLE) if "LIMIT 51" in each.sql]
