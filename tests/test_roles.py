"""The roles of docs/operations.md, made as the page says: each does its work, and no more."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from tests.conftest import verify
from tests.partitions import acting, run, sql_of
from tests.rotation import CITIZEN
from tests.trail import sealed
from wx_realname.models import Consent, Notice, Verification
from wx_realname.sandbox import Sandbox
from wx_realname.services import exchange, reveal, withdraw

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SQL, CHINESE = (
    next(part for part in sql_of(language, "operations.md") if "CREATE ROLE" in part)
    for language in ("en", "zh")
)
ROLES = re.findall(r"CREATE ROLE (\w+)", SQL)


def own(text: str) -> str:
    """With roles of our own: they are the whole server's, and other processes test too."""
    return re.sub(rf"\b({'|'.join(ROLES)})\b", rf"\1_{os.getpid()}", text)


@pytest.fixture
def _roles() -> Iterator[None]:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: TEST_DATABASE_URL")
    run(own(SQL))
    yield
    names = own(", ".join(ROLES))
    run(f"RESET ROLE; DROP OWNED BY {names}; DROP ROLE {names}")


def test_both_languages_have_the_same_sql() -> None:
    english, chinese = (
        [line.partition("--")[0] for line in text.splitlines()] for text in (SQL, CHINESE)
    )
    assert english == chinese


@pytest.mark.usefixtures("_roles")
def test_the_sealer_seals_and_verifies_what_the_site_wrote_and_deleted(
    user: Any, sandbox: Sandbox, notice: Notice
) -> None:
    other = get_user_model().objects.create(username="other")
    third = get_user_model().objects.create(username="third")
    with acting(own("realname_site")):
        for owner in (user, other, third):
            token = sandbox.issue_auth_token(CITIZEN)
            row = exchange(user=owner, auth_token=token, notice=notice.pk)
        user.delete()
        reveal(row, actor=other, reason="case 1")
        withdraw(Consent.objects.select_related("notice").get(user=third), user=third)
    with acting(own("realname_sealer")):
        sealed()
        code, said = verify()
    assert (code, "is intact" in said) == (0, True), said
    assert Verification.objects.filter(user=None, status="erased").count() == 1
    assert Consent.objects.exclude(withdrawn_at=None).count() == 1


@pytest.mark.usefixtures("_roles")
@pytest.mark.parametrize("role", ["realname_site", "realname_sealer"])
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM wx_realname_auditevent",
        "UPDATE wx_realname_auditevent SET reason = ''",
        "DELETE FROM wx_realname_auditseal",
        "DELETE FROM wx_realname_auditaccess",
        "UPDATE wx_realname_notice SET text = ''",
        "DELETE FROM wx_realname_consent",
        "UPDATE wx_realname_consent SET given_at = now()",
    ],
)
def test_neither_role_can_change_what_was_written(role: str, change: str) -> None:
    with acting(own(role)), pytest.raises(DatabaseError, match="permission denied"):
        run(change)


@pytest.mark.usefixtures("_roles")
@pytest.mark.parametrize(
    ("role", "command", "needs"),
    [
        (
            "realname_site",
            "realname_seal_audit",
            "The sealer needs SELECT and INSERT on the tables",
        ),
        (
            "realname_sealer",
            "realname_verify_audit",
            "The verifier needs SELECT on this app's tables",
        ),
        ("realname_sealer", "realname_purge", ""),
    ],
)
def test_who_is_refused_is_told_what_it_needs(role: str, command: str, needs: str) -> None:
    run(own("REVOKE SELECT ON wx_realname_verification FROM realname_sealer"))
    out = StringIO()
    with acting(own(role)), pytest.raises(CommandError, match="permission denied for") as error:
        call_command(command, stdout=out)
    assert error.value.returncode == 2
    assert needs in str(error.value)
    assert "ntact" not in out.getvalue()
