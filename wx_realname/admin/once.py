"""A form that acts once: it carries the signed id of the event that it is going to write.

Sent again (F5, a double click), it finds that event. And what was typed when the session had ended is kept
in the session, at the server, until the same officer has logged in: it stands in no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing

from .. import audit
from ..exceptions import InvalidRequest
from ..models import Verification
from ..services.reasons import require_reason
from ..uuid7 import uuid7

VALID = 86_400  # seconds
TYPED = ("reason", "case_number")
_SALT = "wx_realname.console.once"
_KEY = "wx_realname_typed"


@dataclass(frozen=True)
class Once:
    """Whose form it is, about which record, and the id of its event."""

    user: str
    record: str
    event: UUID


def token(request: Any, record: UUID) -> str:
    """A new one, for a form of that officer's about that record."""
    return signing.dumps([str(request.user.pk), str(record), str(uuid7())], salt=_SALT)


def read(text: str) -> Once | None:
    """None for what isn't ours, or is older than a day."""
    try:
        user, record, event = signing.loads(text, salt=_SALT, max_age=VALID)
    except signing.BadSignature:
        return None
    return Once(user, record, UUID(event))


def keep_typed(request: Any, row: Verification) -> None:
    """Of a form of ours alone, and nothing that the trail wouldn't keep."""
    once = read(request.POST.get("once", ""))
    typed = {name: request.POST.get(name, "") for name in TYPED}
    if once is None or once.record != str(row.pk):
        return
    try:
        require_reason(
            typed["reason"], audit.MAX_REASON, case_number=typed["case_number"], about=row
        )
    except InvalidRequest:
        return
    request.session[_KEY] = {"user": once.user, "record": once.record, **typed}


def take_typed(request: Any, record: UUID) -> dict[str, str]:
    """What that officer typed about that record; it is given back once, and to nobody else."""
    kept = request.session.pop(_KEY, None) or {}
    if (kept.get("user"), kept.get("record")) != (str(request.user.pk), str(record)):
        return {}
    return {name: kept[name] for name in TYPED}
