"""Rows are written by the ORM, and counted: one that the database dropped is an error."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.trail import EVENTS, dropping, sql
from wx_realname import statements
from wx_realname.models import AuditEvent

pytestmark = pytest.mark.django_db


def event(reason: str = "a test", **values: Any) -> AuditEvent:
    return AuditEvent(event="reveal", created_at=timezone.now(), reason=reason, **values)


def test_a_listening_host_hears_of_a_row_and_may_write_rows_of_its_own() -> None:
    heard: list[AuditEvent] = []

    def hear(sender: object, instance: AuditEvent, created: bool, **kwargs: object) -> None:
        assert created
        heard.append(instance)
        sql("INSERT INTO auth_group (name) VALUES ('a host')")

    post_save.connect(hear, sender=AuditEvent)
    try:
        row = statements.insert(event(), "default")
    finally:
        post_save.disconnect(hear, sender=AuditEvent)
    assert heard == [row] == [AuditEvent.objects.get()]


def test_many_rows_are_stored() -> None:
    reasons = [f"row {number}" for number in range(300)]
    statements.insert_all([event(reason) for reason in reasons], "default")
    assert set(AuditEvent.objects.values_list("reason", flat=True)) == set(reasons)


def test_no_rows_are_no_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        statements.insert_all([], "default")
    assert not queries.captured_queries


@pytest.mark.skipif(connection.vendor == "mysql", reason="there no trigger can drop a row")
def test_a_row_that_the_database_drops_is_an_error() -> None:
    with dropping(EVENTS, "NEW.reason = 'drop'"):
        with pytest.raises(DatabaseError, match="0 of 1 rows were inserted"):
            statements.insert(event("drop"), "default")
        with pytest.raises(DatabaseError, match="1 of 2 rows were inserted"):
            statements.insert_all([event("drop"), event()], "default")


def test_rows_are_counted_by_every_value_none_among_them() -> None:
    statements.insert_all([event(errcode=5), event(errcode=6), event("another")], "default")
    assert statements.count(AuditEvent, {"reason": "a test"}, "default") == 2
    assert statements.count(AuditEvent, {"reason": "a test", "errcode": 5}, "default") == 1
    assert statements.count(AuditEvent, {"reason": "a test", "errcode": None}, "default") == 0
    assert statements.count(AuditEvent, {"errcode": None, "seal": None}, "default") == 1


def test_an_update_wants_every_value_none_among_them() -> None:
    row = statements.insert(event(), "default")
    same = {"id": row.pk, "reason": "a test", "seal": None}
    assert not statements.update(AuditEvent, same | {"errcode": 5}, {"seal": 1}, "default")
    assert statements.update(AuditEvent, same, {"seal": 1, "reason": "sealed"}, "default")
    assert not statements.update(AuditEvent, same, {"seal": 2}, "default")
    row.refresh_from_db()
    assert (row.seal, row.reason) == (1, "sealed")
