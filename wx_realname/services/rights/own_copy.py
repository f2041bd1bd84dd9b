"""The citizen's own data in plain text: for the citizen after a fresh login, or at the counter."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router
from django.utils.translation import gettext_lazy as _

from ... import audit, conf
from ...exceptions import ReauthenticationRequired
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from .. import clients, plain, trust
from ..reasons import require_reason


class _NotOffered(ReauthenticationRequired):
    """The interface has one code for both; another login wouldn't help here."""

    words = _("A copy of your own data is not offered here.")


def require_fresh(request: Any) -> None:
    """Raises `ReauthenticationRequired` where SUBJECT_COPY is unset, or refuses this request."""
    path = conf.current().subject_copy
    if path is None:
        raise _NotOffered
    if clients.import_object(path, "SUBJECT_COPY")(request) is not True:
        raise ReauthenticationRequired


def copy(
    verification: Verification,
    *,
    actor: Any,
    reason: str = "",
    case_number: str = "",
    request: Any = None,
    event_id: UUID | None = None,
) -> PersonalData:
    """Name and ID number in plain text, for the citizen. The event is committed before anything is decrypted.

    The caller checks the permission. A copy of another person's record needs a reason. Raises
    `InvalidRequest` without one, and for a reason with personal data in it; `NotFound` when nothing is
    stored; `InternalError` for a record that contradicts its trail.
    """
    using = router.db_for_write(Verification)
    origin = audit.Origin.of(actor, request)
    row = plain.stored(verification, using)
    trust.require([row], origin)
    own = actor is not None and actor.pk == row.user_id
    require_reason(reason, audit.MAX_REASON, blank=own, case_number=case_number, about=row)
    event = AuditEvent.Event.COPY
    return plain.read(
        row, event, origin, using, reason=reason, case_number=case_number, event_id=event_id
    )
