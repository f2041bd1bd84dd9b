"""What the tests of the console share: its addresses, its clerks, and many records at once."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone as django_timezone

from tests.lying_wechat import NUMBER
from wx_realname.models import AuditEvent, Verification

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def page(model: str, *parts: Any) -> str:
    return "/".join(["/admin/wx_realname", model, *map(str, parts), ""])


FIND, AFFECTED = page("verification", "find"), page("auditevent", "affected")
REQUESTS = page("verification", "export", "requests")
EVERY = (
    "view_verification",
    "view_auditevent",
    "view_hourlystatistic",
    "reveal_verification",
    "export_plaintext",
    "erase_verification",
)


class Action(NamedTuple):
    """A form: the permission that opens it, where it is, and what is posted there."""

    needed: str
    address: str
    data: dict[str, str]


def actions(row: Verification) -> dict[str, Action]:
    reason, export = {"reason": "case 1"}, page("verification", "export")
    days = dict.fromkeys(("first_day", "last_day"), f"{django_timezone.localdate()}")
    return {
        "find": Action("view_verification", FIND, {"credential_id": NUMBER}),
        "affected": Action("view_auditevent", AFFECTED, {"account": "clerk", **days}),
        "export": Action("export_plaintext", export, {"content": "plain", **reason}),
        **{
            action: Action(
                f"{permission}_verification", page("verification", row.pk, action), reason
            )
            for action, permission in (("reveal", "reveal"), ("copy", "reveal"), ("erase", "erase"))
        },
    }


def staff(*permissions: str, username: str = "clerk") -> Client:
    """A logged-in member of staff with just these permissions."""
    user = User.objects.create(username=username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def records(count: int, *, first: int = 0, **fields: Any) -> list[Verification]:
    """Records in the order of their creation; three at a time were created in the same instant."""
    rows = [
        Verification(
            **{
                "id": UUID(int=((n * 7919) % 1_000_003) << 64 | n),
                "merchant": "default",
                "mch_id": "1900000001",
                "app_id": "wx0000000000000001",
                "method": "authorize",
                "status": "failed",
                "errcode": 94006,
                "created_at": NOON + timedelta(seconds=n // 3),
                "started_at": NOON,
                "token_digest": f"{n:064}",
                "token_key_id": "i1",
                **fields,
            }
        )
        for n in range(first, first + count)
    ]
    return Verification.objects.bulk_create(rows)


def end_of_attempt(at: datetime, **fields: Any) -> AuditEvent:
    """As the trail tells of it; not saved."""
    values: dict[str, Any] = {"event": "exchange", "merchant": "default", "method": "authorize"}
    values |= {"status": "verified", "duration_ms": 80, "created_at": at, **fields}
    return AuditEvent(**values)


def ended(at: datetime, count: int = 1, **fields: Any) -> None:
    """So many attempts that ended at that moment."""
    AuditEvent.objects.bulk_create([end_of_attempt(at, **fields) for _ in range(count)])


def busy_month(*, until: int = 0) -> None:
    """Thirty days of a busy service, which end so many hours ago."""
    dice, now = random.Random(3), django_timezone.now()
    errors: list[dict[str, Any]] = [
        {"status": "rejected", "error_code": "no_wechat_pay", "errcode": 94002},
        {"status": "failed", "error_code": "wechat_busy", "errcode": -1},
        {"status": "unknown", "error_code": "outcome_unknown", "duration_ms": 10_000},
    ]
    for hour in range(until, 720):
        at = now - timedelta(hours=hour, seconds=dice.randrange(60))
        by_day = max(0, 8 - abs(14 - django_timezone.localtime(at).hour))
        for _ in range(by_day):
            ended(at, duration_ms=int(dice.lognormvariate(4.6, 0.6)))
        if by_day and dice.random() < 0.4:
            ended(at, **dice.choice(errors))


def trail() -> list[tuple[str, str]]:
    """What the console added to the trail: event and reason, oldest first."""
    ours = ("search", "reveal", "copy", "export", "export_ended", "permission_refused", "erase")
    events = AuditEvent.objects.filter(event__in=ours).order_by("created_at", "id")
    return [(event.event, event.reason) for event in events]
