"""Records that a citizen used the services of a purpose: one row for each user, purpose and day."""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError, router, transaction

from ... import audit, resident_id
from ...models import AuditEvent, ServiceUse, Verification
from ..cache import Cache, CacheUnavailable

logger = logging.getLogger(__name__)

DAY = 24 * 3600


def note_use(user: Any, purpose: str, verification: Verification, request: Any) -> None:
    """Record the use once a day, with an audit event. A failure is logged, and refuses nothing."""
    today = resident_id.today()
    try:
        if _is_first(f"wx_realname:use:{user.pk}:{purpose}:{today}"):
            _note(user, purpose, verification, request, today)
    except Exception as error:
        logger.error("the use of a service was not recorded (%s)", type(error).__name__)


def _is_first(key: str) -> bool:
    """False where the cache has the day's use already; while the cache is down, the table decides."""
    try:
        return Cache().add(key, 1, DAY)
    except CacheUnavailable:
        return True


def _note(user: Any, purpose: str, verification: Verification, request: Any, today: Any) -> None:
    using = router.db_for_write(ServiceUse)
    try:
        with transaction.atomic(using=using):
            ServiceUse.objects.using(using).create(
                user_id=str(user.pk)[:64], purpose=purpose, day=today
            )
            audit.append_access(
                AuditEvent.Event.USE,
                audit.Origin.of(user, request),
                [verification.pk],
                using=using,
                about=verification,
                purpose=purpose,
            )
    except IntegrityError:
        pass  # another request recorded it first
