"""Rotation while sixteen workers exchange, erase and verify anew, killed twice: nothing is lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections

from tests.rotation import E1, E2, I1, I2, PERSON, begun, child, index, made, reasons
from wx_realname import services
from wx_realname.audit import Origin
from wx_realname.models import Verification
from wx_realname.personal_data import PersonalData
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services.rights.erasure import erase_all
from wx_realname.services.rows import update_if_unchanged
from wx_realname.services.transactions import durable
from wx_realname.services.upkeep.key_use import key_use, stale
from wx_realname.vault import blind_index

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

WRITERS, KILLS, BATCH = 16, 2, 50


class Writer:
    """A worker of the site. It knows how each row that it wrote must stand: no other writes these."""

    def __init__(self, number: int, rows: list[UUID], sandbox: Sandbox) -> None:
        self._dice = random.Random(number)
        self._left = list(rows)  # what isn't erased
        self._kept = len(rows) // 2
        self._sandbox = sandbox
        self._user = get_user_model().objects.create(username=f"worker-{number}")
        self.expected: dict[UUID, str | None] = {}

    def work(self, over: threading.Event) -> None:
        try:
            while not over.is_set():
                act = self._dice.choice([self._exchange, self._erase, self._verify, self._verify])
                act()
        finally:
            connections.close_all()

    def _exchange(self) -> None:
        name = self._name()
        token = self._sandbox.issue_auth_token(Citizen(name, PERSON.credential_id))
        self.expected[services.exchange(user=self._user, auth_token=token).pk] = name

    def _erase(self) -> None:
        """Half of the rows at most: there must be some to go on with."""
        if len(self._left) > self._kept:
            row = self._row()
            # no trail speaks of these rows: a citizen's own erasure would be refused
            erase_all([row], Origin(), "a test", connection.alias)
            self._left.remove(row.pk)
            self.expected[row.pk] = None

    def _verify(self) -> None:
        """Other data for a row of the same status and attempt, as an exchange records it."""
        row, name = self._row(), self._name()
        sealed = Verification.sealed(row.pk, PersonalData(name, PERSON.credential_id))
        changes = {
            "real_name_encrypted": sealed[0],
            "credential_id_encrypted": sealed[1],
            "real_name_index": index(blind_index.names, blind_index.name_form(name)),
            "credential_id_index": index(blind_index.numbers, PERSON.credential_id),
            "index_key_id": "i2",
        }
        with durable(connection.alias):
            assert update_if_unchanged(row, connection.alias, changes)
        self.expected[row.pk] = name

    def _row(self) -> Verification:
        return Verification.objects.get(pk=self._dice.choice(self._left))

    def _name(self) -> str:
        return "".join(chr(self._dice.randrange(0x4E00, 0x9FA5)) for _ in range(3))


def kill_after(rows: int, dice: random.Random) -> None:
    """Rotate until so many rows are committed, and some of the next batch are perhaps written."""
    with child(BATCH) as process:
        assert process.stdout
        while rows > 0:
            line = process.stdout.readline()
            assert line, "it ended before it could be killed"
            rows -= int(line)
        time.sleep(dice.uniform(0, 0.02))
        process.kill()
    assert process.returncode == -9


def run_to_the_end() -> None:
    with child(BATCH) as process:
        process.communicate()
    assert process.returncode == 0


LARGE = (pytest.mark.campaign, pytest.mark.postgres)


@pytest.mark.long
@pytest.mark.parametrize("count", [800, pytest.param(100_000, marks=LARGE)])
def test_nothing_is_lost_under_sixteen_writers_and_two_kills(
    configure: Callable[..., None], sandbox: Sandbox, count: int
) -> None:
    configure(ENCRYPTION_KEYS=[E1], INDEX_KEYS=[I1])
    ids = [row.pk for row in made(count)]
    configure(ENCRYPTION_KEYS=[E2, E1], INDEX_KEYS=[I2, I1])
    busy = ids[::4]  # rows that somebody writes, over and over; the others wait for the rotation
    writers = [Writer(n, busy[n::WRITERS], sandbox) for n in range(WRITERS)]
    dice, over = random.Random(1), threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        work = [pool.submit(writer.work, over) for writer in writers]
        try:
            for _ in range(KILLS):
                kill_after(count // 4, dice)
            run_to_the_end()
        finally:
            over.set()
    assert [each.exception() for each in work] == [None] * WRITERS
    assert not stale().exists()
    assert [key.records for key in key_use().encryption][1:] == [0]
    assert (len(begun()), len(reasons())) == (KILLS + 1, 1)
    assert_nothing_is_lost(dict.fromkeys(ids, PERSON.real_name), writers)


def assert_nothing_is_lost(expected: dict[UUID, str | None], writers: list[Writer]) -> None:
    wrote = {id_: name for writer in writers for id_, name in writer.expected.items()}
    assert len({type(name) for name in wrote.values()}) == 2  # erased some, verified others
    expected |= wrote
    for row in Verification.objects.iterator():
        data = row.personal_data()
        assert (data and data.real_name) == expected.pop(row.pk)
        assert (row.index_key_id == "i2") == (data is not None)
    assert expected == {}
