"""The citizen's own data in plain text: for the citizen after a fresh login, or at the counter."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.utils.module_loading import import_string

from ... import audit, conf
from ...audit import MAX_REASON
from ...exceptions import ConfigurationError, NotFound, ReauthenticationRequired
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from .. import trust
from ..minors import is_minor
from ..reasons import require_reason
from ..transactions import durable


def require_fresh(request: Any) -> None:
    """Raises `ReauthenticationRequired` where SUBJECT_COPY is unset, or refuses this request."""
    path = conf.current().subject_copy
    if path is None:
        raise ReauthenticationRequired
    try:
        function = import_string(path)
    except ImportError:
        raise ConfigurationError(f'SUBJECT_COPY "{path}" could not be imported.') from None
    if function(request) is not True:
        raise ReauthenticationRequired


def copy(
    verification: Verification,
    *,
    actor: Any,
    reason: str = "",
    case_number: str = "",
    request: Any = None,
) -> PersonalData:
    """Name and ID number in plain text, for the citizen. The event is committed before anything is decrypted.

    Whether the actor may is for the caller to decide. Whoever copies another's record gives a reason:
    else, and for one that holds personal data, `InvalidRequest`. Raises `NotFound` when nothing is stored,
    `InternalError` for a record that contradicts its trail.
    """
    using = router.db_for_write(Verification)
    origin = audit.Origin.of(actor, request)
    row = _stored(verification, using)
    trust.require([row], origin)
    own = actor is not None and actor.pk == row.user_id
    require_reason(reason, MAX_REASON, blank=own, case_number=case_number, about=row)
    with durable(using):
        audit.append_access(
            AuditEvent.Event.COPY,
            origin,
            [row.pk],
            using=using,
            about=row,
            reason=reason,
            case_number=case_number,
            minor=is_minor(row),
        )
    data = _stored(verification, using).personal_data()  # it may have been erased since
    if data is None:
        raise NotFound(verification_id=verification.pk)
    return data


def _stored(verification: Verification, using: str) -> Verification:
    row = Verification.objects.using(using).filter(pk=verification.pk).first()
    if row is None or row.real_name_encrypted is None:
        raise NotFound(verification_id=verification.pk)
    return row
