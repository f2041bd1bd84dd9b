"""INSERT and UPDATE in plain SQL leave what `save` leaves, and hosts hear of them as of any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import ModelSignal, post_init, post_save, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from wx_realname import statements
from wx_realname.models import AuditAccess, AuditEvent
from wx_realname.uuid7 import uuid7

pytestmark = pytest.mark.django_db


def values(reason: str = "a test") -> dict[str, Any]:
    return {"id": uuid7(), "event": "reveal", "created_at": timezone.now(), "reason": reason}


@contextmanager
def listening(signal: ModelSignal, receiver: Callable[..., None]) -> Iterator[None]:
    """Meanwhile the host listens to the events' model."""
    signal.connect(receiver, sender=AuditEvent)
    try:
        yield
    finally:
        signal.disconnect(receiver, sender=AuditEvent)


@pytest.fixture(params=["deaf", "listening"])
def heard(request: pytest.FixtureRequest) -> Iterator[list[AuditEvent] | None]:
    """What a host hears who listens to the model; None where nobody does."""
    if request.param == "deaf":
        yield None
        return
    rows: list[AuditEvent] = []

    def hear(sender: object, instance: AuditEvent, created: bool, **kwargs: object) -> None:
        assert created
        rows.append(instance)

    with listening(post_save, hear):
        yield rows


def test_a_row_is_as_save_would_leave_it(heard: list[AuditEvent] | None) -> None:
    given = values()
    row = statements.insert(AuditEvent, given, "default")
    stored = AuditEvent.objects.get()
    AuditEvent(**(given | {"id": uuid7()})).save(force_insert=True)
    saved = AuditEvent.objects.exclude(pk=stored.pk).get()
    names = [field.attname for field in AuditEvent._meta.concrete_fields if field.attname != "id"]
    assert [getattr(stored, name) for name in names] == [getattr(saved, name) for name in names]
    assert [getattr(row, name) for name in names] == [getattr(stored, name) for name in names]
    assert (row.pk, row._state.adding, row._state.db) == (stored.pk, False, "default")
    assert heard is None or [each.pk for each in heard] == [row.pk, saved.pk]


def test_the_row_is_as_a_host_that_listens_has_left_it() -> None:
    def change(sender: object, instance: AuditEvent, **kwargs: object) -> None:
        instance.reason = "changed"

    with listening(pre_save, change):
        row = statements.insert(AuditEvent, values(), "default")
    assert row.reason == AuditEvent.objects.get().reason == "changed"


def test_a_host_hears_that_a_row_is_made() -> None:
    made: list[AuditEvent] = []

    def hear(sender: object, instance: AuditEvent, **kwargs: object) -> None:
        made.append(instance)

    with listening(post_init, hear):
        row = statements.insert(AuditEvent, values(), "default")
    assert [each is row for each in made] == [True]


def test_many_rows_are_as_one_by_one(heard: list[AuditEvent] | None) -> None:
    rows = [values(f"row {number}") for number in range(3)]
    statements.insert_all(AuditEvent, rows, "default")
    assert [each.reason for each in AuditEvent.objects.order_by("reason")] == [
        "row 0",
        "row 1",
        "row 2",
    ]
    assert heard is None or [each.pk for each in heard] == [each["id"] for each in rows]


def test_no_rows_are_no_statement() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        statements.insert_all(AuditEvent, [], "default")
    assert not queries.captured_queries


def test_an_update_wants_every_value_none_among_them() -> None:
    row = statements.insert(AuditEvent, values(), "default")
    same = {"id": row.pk, "reason": "a test", "seal": None}
    assert not statements.update(AuditEvent, same | {"errcode": 5}, {"seal": 1}, "default")
    assert statements.update(AuditEvent, same, {"seal": 1, "reason": "sealed"}, "default")
    assert not statements.update(AuditEvent, same, {"seal": 2}, "default")
    row.refresh_from_db()
    assert (row.seal, row.reason) == (1, "sealed")


def test_an_id_that_the_database_numbers_is_left_to_it() -> None:
    """PostgreSQL refused the NULL that SQLite takes for a wish."""
    made = {"event_id": uuid7(), "verification_id": uuid7(), "created_at": timezone.now()}
    statements.insert_all(AuditAccess, [made, made], "default")
    ids = list(AuditAccess.objects.values_list("pk", flat=True))
    assert len(set(ids)) == 2 and all(ids)
