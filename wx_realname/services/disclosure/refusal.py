"""Records what an officer tried without the permission."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router

from ... import audit
from ...models import AuditEvent, Verification
from ..transactions import append_durably

Event = AuditEvent.Event


def refused(
    *, actor: Any, permission: str, verification_id: Any = None, request: Any = None
) -> None:
    """Add the event of an act that the actor has no permission for."""
    using = router.db_for_write(Verification)
    row = None
    if id_ := _uuid(verification_id):
        row = Verification.objects.using(using).without_ciphertexts().filter(pk=id_).first()
    append_durably(
        Event.PERMISSION_REFUSED,
        audit.Origin.of(actor, request),
        using=using,
        about=row,
        reason=permission,
    )


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
