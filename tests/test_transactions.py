"""What is on disk when its block ends, and what is tried again when the database fails."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from wx_realname.exceptions import ConfigurationError
from wx_realname.services import transactions
from wx_realname.services.transactions import durable_statement, persistently

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tries(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(transactions, "PAUSES", (0.0, 0.0))
    return 3


def failing(times: int, error: type[Exception]) -> Callable[[], int]:
    """What fails so many times, and then tells how often it was tried."""
    tried: list[int] = []

    def work() -> int:
        tried.append(len(tried) + 1)
        if tried[-1] <= times:
            raise error(str(tried[-1]))
        return tried[-1]

    return work


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_back_at_the_last_try_is_in_time(
    tries: int, error: type[Exception]
) -> None:
    assert persistently(failing(tries - 1, error), "default") == tries


def test_a_database_that_stays_away_is_told(tries: int) -> None:
    with pytest.raises(OperationalError, match=str(tries)):
        persistently(failing(tries, OperationalError), "default")


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "another failure"])
def test_a_database_that_does_not_answer_is_waited_for_until_total_timeout(
    configure: Callable[..., None], silent: bool
) -> None:
    configure(TOTAL_TIMEOUT=0.5, CONNECT_TIMEOUT=0.1, READ_TIMEOUT=0.1)
    began = time.monotonic()

    def work() -> float:
        away = time.monotonic() - began
        if away < 0.45:
            raise OperationalError("database is locked" if silent else "another")
        return away

    if silent:
        assert persistently(work, "default") >= 0.45
    else:
        with pytest.raises(OperationalError):
            persistently(work, "default")


def test_another_error_is_not_tried_again() -> None:
    with pytest.raises(ValueError, match="1"):
        persistently(failing(1, ValueError), "default")


def test_inside_a_transaction_nothing_can_be_tried_again() -> None:
    with transaction.atomic(), pytest.raises(OperationalError, match="1"):
        persistently(failing(1, OperationalError), "default")


def test_one_statement_alone_commits_itself() -> None:
    with CaptureQueriesContext(connection) as queries, durable_statement("default"):
        User.objects.filter(pk=1).update(username="citizen")
    assert len(queries) == 1


def test_one_statement_within_a_transaction_is_refused() -> None:
    with (
        transaction.atomic(),
        pytest.raises(ConfigurationError, match="atomic"),
        durable_statement("default"),
    ):
        pass
