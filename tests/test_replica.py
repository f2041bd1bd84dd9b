"""A site that reads from replicas: what decides, or was just written, is read where it is written."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from tests.conftest import AUTH_TOKEN, code, heard
from tests.console import ended
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, hangs_up, identity, refuses
from tests.test_check import CHECK, CODE, MATCH, OPENID
from wx_realname import audit
from wx_realname.api.permissions import MinimumAge, RealNameVerified
from wx_realname.models import Verification
from wx_realname.services import check, erase, exchange
from wx_realname.signals import verification_erased

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


class Replica:
    """Whatever is read without a say is read from a database that isn't there."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


#: By either method, with an age, by the button, and by a check.
PERMISSIONS: list[Any] = [
    RealNameVerified,
    MinimumAge(18),
    RealNameVerified.by("authorize"),
    RealNameVerified.by("check"),
]


def may(user: Any, permission: Any) -> bool:
    return bool(permission().has_permission(SimpleNamespace(user=user), None))


@pytest.fixture
def _replica(settings: Any) -> None:
    settings.DATABASE_ROUTERS = ["tests.test_replica.Replica"]


@pytest.mark.usefixtures("_replica")
def test_what_was_just_exchanged_is_known_to_all_that_asks_for_it(
    liar: LyingWeChat, user: Any, stranger: Any
) -> None:
    row = exchange(user=user, auth_token=AUTH_TOKEN)
    assert code(user) == "verified"  # the same token again: the same record
    assert len(liar.exchanges) == 1
    assert code(stranger) == "auth_token_in_use"
    assert Verification.objects.current_for(user) == row
    assert [may(user, each) for each in PERMISSIONS] == [True, True, True, False]
    assert [may(stranger, each) for each in PERMISSIONS] == [False] * 4


@pytest.mark.usefixtures("_replica")
def test_what_was_just_checked_is_known_to_all_that_asks_for_it(
    liar: LyingWeChat, user: Any
) -> None:
    liar.play(MATCH, path=CHECK)
    asked = {"openid": OPENID, "code": CODE, "real_name": NAME, "credential_id": NUMBER}
    row = check(user=user, **asked)
    assert check(user=user, **asked) == row == Verification.objects.current_for(user)
    assert len([call for call in liar.calls if call.path == CHECK]) == 1
    assert [may(user, each) for each in PERMISSIONS] == [True, True, False, True]


@pytest.mark.usefixtures("_replica")
def test_what_failed_is_tried_again_without_a_replica(liar: LyingWeChat, user: Any) -> None:
    liar.play(refuses(94006), hangs_up, identity())
    assert [code(user) for _ in range(3)] == ["misconfigured", "outcome_unknown", "verified"]


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
    assert "1 call in 1 day" in capsys.readouterr().out
