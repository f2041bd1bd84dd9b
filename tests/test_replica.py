"""A site that reads from replicas: what decides, or was just written, is read where it is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, heard
from tests.console import ended
from tests.lying_wechat import LyingWeChat
from wx_realname import audit
from wx_realname.models import Verification
from wx_realname.services import erase, exchange
from wx_realname.signals import verification_erased

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


class Replica:
    """Whatever is read without a say is read from a database that isn't there."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def test_the_trail_is_verified_where_it_is_written(
    liar: LyingWeChat, user: Any, stranger: Any, settings: Any
) -> None:
    for owner, token in ((user, AUTH_TOKEN), (stranger, "another")):
        exchange(user=owner, auth_token=token)
    list(audit.seal())
    stranger.delete()
    settings.DATABASE_ROUTERS = ["tests.test_replica.Replica"]
    call_command("realname_verify_audit")


def test_erasing_needs_no_replica(
    liar: LyingWeChat, user: Any, stranger: Any, settings: Any, configure: Any
) -> None:
    rows = [exchange(user=owner, auth_token=str(owner.pk)) for owner in (user, stranger)]
    rows.append(exchange(user=stranger, auth_token="old"))
    Verification.objects.filter(pk=rows[2].pk).update(verified_at=timezone.now() - YEAR)
    settings.DATABASE_ROUTERS = ["tests.test_replica.Replica"]
    call_command("realname_purge")
    configure(RETENTION_DAYS=30)
    with heard(verification_erased) as told, TestCase.captureOnCommitCallbacks(execute=True):
        erase(rows[0], actor=user, reason="")
        call_command("realname_purge")
        stranger.delete()
    assert [one["user"].username for one in told] == ["citizen", "stranger", "stranger"]


def test_what_was_just_counted_is_told(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ended(timezone.now())
    settings.DATABASE_ROUTERS = ["tests.test_replica.Replica"]
    call_command("realname_usage")
    assert "1 calls in 1 days" in capsys.readouterr().out
