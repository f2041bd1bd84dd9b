"""Triggers over notices, consents and the list of who looked: what plain SQL may not do to evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, verify
from tests.lying_wechat import LyingWeChat
from tests.trail import call, sql
from wx_realname.models import AuditAccess, Consent, Notice, Verification
from wx_realname.services import exchange, reveal, withdraw
from wx_realname.services.rights import notices

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "unheard-of", reason="no triggers there: use grants"),
]

EVIDENCE = (Notice, Consent, AuditAccess)
NOTICE, CONSENT, ACCESS = (model._meta.db_table for model in EVIDENCE)


def refused(statement: str, *values: Any) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement, *values)


@pytest.fixture
def looked_at(liar: LyingWeChat, user: Any, stranger: Any, notice: Notice) -> Verification:
    row = exchange(user=user, auth_token=AUTH_TOKEN, notice=notice.pk)
    reveal(row, actor=stranger, reason="case 1")
    return row


@pytest.fixture
def protected(looked_at: Verification) -> Iterator[Verification]:
    call("realname_protect_audit", "--install")
    yield looked_at
    call("realname_protect_audit", "--remove")


def test_events_expire_only_without_the_triggers(protected: Verification) -> None:
    call("realname_seal_audit")
    tomorrow = f"{timezone.localdate() + timedelta(days=1)}"
    with pytest.raises(CommandError, match="run realname_protect_audit --remove before") as told:
        call("realname_expire_audit", "--before", tomorrow, "--force")
    assert "append-only" in str(told.value) and told.value.returncode == 2


def columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields]


def another(field: Any) -> Any:
    """A value that no row has, as this database takes it."""
    values: dict[str, Any] = {
        "UUIDField": uuid4(),
        "DateTimeField": "2001-02-03 04:05:06+00:00",
        "GenericIPAddressField": "203.0.113.9",
    }
    kind = (field.target_field if field.is_relation else field).get_internal_type()
    value = values.get(kind, 4711 if "Integer" in kind or "Auto" in kind else "changed")
    return field.get_db_prep_value(field.to_python(value), connection)


def test_no_column_is_changed(protected: Verification) -> None:
    fields = [field for model in EVIDENCE for field in model._meta.concrete_fields]
    for field in fields:
        if field.name != "withdrawn_at":  # set once, as a withdrawal does
            table = field.model._meta.db_table
            refused(f"UPDATE {table} SET {field.column} = %s", another(field))  # noqa: S608


def test_a_withdrawal_is_neither_undone_nor_moved(protected: Verification, user: Any) -> None:
    withdraw(Consent.objects.select_related("notice").get(), user=user)
    field = Consent._meta.get_field("withdrawn_at")
    refused(f"UPDATE {CONSENT} SET withdrawn_at = NULL")  # noqa: S608
    refused(f"UPDATE {CONSENT} SET withdrawn_at = %s", another(field))  # noqa: S608


def test_no_row_is_deleted(protected: Verification) -> None:
    for table in (NOTICE, CONSENT, ACCESS):
        refused(f"DELETE FROM {table}")  # noqa: S608
        if connection.vendor == "postgresql":
            refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL has no REPLACE")
def test_no_row_is_replaced_by_another_of_its_key(protected: Verification) -> None:
    for table in (NOTICE, CONSENT, ACCESS):
        refused(f"REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
    rest = ", ".join(name for name in columns(Notice) if name != "id")
    id_ = Notice._meta.pk.get_db_prep_value(uuid4(), connection)
    refused(f"REPLACE INTO {NOTICE} (id, {rest}) SELECT %s, {rest} FROM {NOTICE}", id_)  # noqa: S608


def test_no_consent_begins_as_withdrawn(protected: Verification) -> None:
    names = columns(Consent)
    taken = [{"id": "%s", "withdrawn_at": "given_at"}.get(name, name) for name in names]
    id_ = Consent._meta.pk.get_db_prep_value(uuid4(), connection)
    refused(
        f"INSERT INTO {CONSENT} ({', '.join(names)}) SELECT {', '.join(taken)} FROM {CONSENT}",  # noqa: S608
        id_,
    )


def test_what_the_site_does_goes_on(protected: Verification, user: Any, notice: Notice) -> None:
    newer = Notice(**{name: getattr(notice, name) for name in columns(Notice)[1:]})
    newer.version, newer.published_at = "2027-01", timezone.now()
    notices.add(newer, using=connection.alias)
    row = exchange(user=user, auth_token="anew", notice=newer.pk)
    reveal(row, actor=user, reason="case 2")
    withdraw(Consent.objects.select_related("notice").get(verification_id=row.pk), user=user)
    user.delete()
    assert Verification.objects.filter(status="erased").count() == 2
    code, said = verify()
    assert code == 0, said


def test_without_the_triggers_sql_changes_all_of_it(looked_at: Verification) -> None:
    call("realname_protect_audit", "--install")
    call("realname_protect_audit", "--remove")
    sql(f"UPDATE {NOTICE} SET text = 'changed'")  # noqa: S608
    sql(f"DELETE FROM {ACCESS}")  # noqa: S608
    assert Notice.objects.get().text == "changed" and not AuditAccess.objects.exists()
