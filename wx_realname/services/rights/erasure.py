"""Erasure: ciphertexts, masks and blind indexes are removed; the row and its events stay."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ... import audit
from ...exceptions import ConfigurationError, ExchangeInProgress
from ...models import AuditEvent, Verification
from ...signals import verification_erased
from .. import trust
from ..reasons import require_reason
from ..rows import changed
from . import consent

Status = Verification.Status

USER_DELETED = "the user was deleted"
WITHDRAWN = "consent withdrawn"  # by a withdrawal of the last consent, or by the citizen's DELETE
#: Statuses of records that hold personal data, or may get it.
HOLDING = (Status.VERIFIED, Status.WAITING, Status.PENDING)
#: Statuses of records that hold personal data and have no attempt under way.
ERASABLE = (Status.VERIFIED, Status.WAITING)


def erase(
    verification: Verification,
    *,
    actor: Any,
    reason: str,
    case_number: str = "",
    request: Any = None,
) -> None:
    """Erase name and number: ciphertexts, masks and blind indexes. The row and its events stay.

    Does nothing when the row has no personal data. Raises `ExchangeInProgress` while the record is
    pending, `InvalidRequest` for a reason that the trail must not keep, `InternalError` for a record
    that contradicts its trail. May be called inside the caller's transaction.
    """
    require_reason(reason, audit.MAX_REASON, blank=True, case_number=case_number)
    using = router.db_for_write(Verification)
    row = with_users(Verification.objects.using(using)).get(pk=verification.pk)
    if row.status == Status.PENDING:
        raise ExchangeInProgress(verification_id=row.pk)
    origin = audit.Origin.of(actor, request)
    trust.require([row], origin, reads=False)
    require_reason(reason, audit.MAX_REASON, blank=True, about=row)
    erase_all([row], origin, reason, using, case_number=case_number)


def erase_own(verification: Verification, *, user: Any, request: Any = None) -> None:
    """Erase at the citizen's own wish, who gives no reason. Raises as `erase` does."""
    erase(verification, actor=user, reason=WITHDRAWN, request=request)


def erase_for_deleted_user(user: Any) -> None:
    """Erase the personal data of a user who is about to be deleted, in the deletion's transaction.

    A pending record is erased, too, so that an answer on its way can't be stored.
    """
    using = router.db_for_write(Verification)
    held = Verification.objects.using(using).of(user).filter(status__in=HOLDING)
    with transaction.atomic(using=using):
        # First the user's row: where foreign keys are checked at once, a new consent locks it first, too.
        type(user)._base_manager.using(using).filter(pk=user.pk).select_for_update().first()
        consent.lock(user, using)
        erase_all(list(with_users(held)), audit.Origin(), USER_DELETED, using, HOLDING)


def with_users(rows: QuerySet[Verification]) -> QuerySet[Verification]:
    """The rows with their users, whom `verification_erased` names: a replica may lack them later."""
    return rows.select_related("user")


def erased() -> dict[str, Any]:
    """The columns of a record without personal data."""
    return {
        "status": Status.ERASED,
        "real_name_encrypted": None,
        "credential_id_encrypted": None,
        "face_encrypted": None,
        "real_name_masked": None,
        "credential_id_masked": None,
        "real_name_index": None,
        "credential_id_index": None,
        "index_key_id": "",
        "check_digit_valid": None,
        "typed_digest": "",
        "erased_at": timezone.now(),
    }


def erase_all(
    rows: list[Verification],
    origin: audit.Origin,
    reason: str,
    using: str,
    statuses: tuple[Status, ...] = ERASABLE,
    case_number: str = "",
) -> list[Verification]:
    """Erase the rows in one transaction. Return those that nobody else had erased meanwhile.

    A record that contradicts its trail is erased, too, but its event has no HMAC. Raises `ConfigurationError`
    between the setting of AUDIT_KEYS and the seal that records it: all records seem to contradict then.
    """
    if rows and audit.change_is_unrecorded():
        raise ConfigurationError(
            "AUDIT_KEYS were set, and no seal records it yet: run realname_seal_audit before anything is "
            "erased."
        )
    trusted = {row.pk for row in trust.vouched(rows, origin, reads=False)}
    changes = erased()
    with transaction.atomic(using=using):
        stored = Verification.objects.using(using).filter(pk__in=sorted(row.pk for row in rows))
        if stored.filter(status__in=statuses).update(**changes) < len(rows):
            ours = set(stored.filter(erased_at=changes["erased_at"]).values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in ours]
        after = [changed(row, changes) for row in rows]
        signed = [row for row in after if row.pk in trusted]
        about: dict[str, Any] = {"using": using, "reason": reason, "case_number": case_number}
        audit.append_outcomes(AuditEvent.Event.ERASE, origin, signed, **about)
        for row in after:
            if row.pk not in trusted:
                audit.append(AuditEvent.Event.ERASE, origin, about=row, **about)
            _tell_after_commit(row, using)
    return rows


def _tell_after_commit(row: Verification, using: str) -> None:
    tell = partial(
        verification_erased.send_robust, sender=Verification, verification=row, user=row.user
    )
    transaction.on_commit(tell, using=using, robust=True)
