"""Records WeChat's answer: the row's new columns, in one conditional write.

The row is written only if its status, attempt and user are the same as when WeChat was asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, IntegrityError
from django.utils import timezone

from ... import audit, conf, masking, resident_id, statements
from ...exceptions import RealNameError
from ...models import AuditEvent, Consent, Verification
from ...personal_data import PersonalData
from ...signals import verification_erased, verification_rejected, verification_succeeded
from ...vault import blind_index
from ...wechat.client import is_openid
from ..rights.erasure import ERASABLE, erased
from ..rows import identity
from ..transactions import durable, persistently
from . import report

logger = logging.getLogger(__name__)

Status = Verification.Status
Event = AuditEvent.Event

MINOR_UNDER = 14  # years: the Personal Information Protection Law, article 28


def finished(began: float) -> dict[str, Any]:
    """The columns of the end, and of the duration since `began` (monotonic)."""
    milliseconds = int((time.monotonic() - began) * 1000)
    return {"finished_at": timezone.now(), "duration_ms": milliseconds}


def is_refused_minor(settings: conf.Settings, data: PersonalData | None) -> bool:
    """Whether MINORS refuses the person with that number: under 14 today, by China's time."""
    if data is None or settings.minors != "refuse":
        return False
    age = resident_id.age_of(data.credential_id)
    return age is not None and age < MINOR_UNDER


def verified(row: Verification, data: PersonalData, settings: conf.Settings) -> dict[str, Any]:
    """The columns of a verified record."""
    name, number = None, None
    if settings.storage == "encrypted":
        name, number = Verification.sealed(row.id, data)
    numbers = blind_index.numbers(settings.index_keys)
    return {
        "status": Status.VERIFIED,
        "in_doubt": False,
        "real_name_encrypted": name,
        "credential_id_encrypted": number,
        "real_name_masked": masking.mask_name(data.real_name),
        "credential_id_masked": masking.mask_credential_id(data.credential_id),
        "real_name_index": blind_index.name_index(settings, data.real_name),
        "credential_id_index": numbers.digest(blind_index.number_form(data.credential_id)).hex,
        "index_key_id": settings.index_keys[0].key_id,
        "check_digit_valid": resident_id.check_digit_holds(data.credential_id),
        "verified_at": timezone.now(),
    }


def ended(row: Verification, error: RealNameError, status: str | None = None) -> dict[str, Any]:
    """The columns of a record that ended with that error. `status`: another than the error's own."""
    reply = error.wechat
    has_token = row.method != Verification.Method.FACE  # which an attempt may have consumed
    return {
        "status": Status(status or error.outcome or Status.UNKNOWN),
        "error_code": error.code,
        "errcode": reply and reply["errcode"],
        "errmsg": reply["errmsg"] if reply else "",
        "hint": (reply and reply["hint"]) or "",
        "in_doubt": has_token and (row.in_doubt or error.in_doubt),
    }


class Replayed(Exception):
    """WeChat's answer came before, for another record. Its padding is random, so it was replayed."""


def record(
    row: Verification,
    changes: dict[str, Any],
    origin: audit.Origin,
    using: str,
    user: Any,
    answers: Sequence[str] = (),
) -> Verification | None:
    """The recorded row; None when another attempt has the row by now, or the database failed.

    `answers`: the digests of WeChat's answer by all keys, if `changes` have one of them.
    Raises `Replayed`, and leaves the row as it was.
    """
    before, kept = identity(row), {name: getattr(row, name) for name in changes}
    row.__dict__.update(changes)  # nobody else has this object
    try:
        written = persistently(
            lambda: _write(row, before, changes, origin, using, user, answers), using
        )
    except DatabaseError as error:
        if isinstance(error, IntegrityError) and _came_before(row, answers, using):
            logger.error("%s: WeChat's answer came before, for another record", row.pk)
            row.__dict__.update(kept)
            raise Replayed from None
        logger.error(
            "%s stays %s: the database failed (%s)",
            row.pk,
            before["status"],
            type(error).__name__,
        )
        written = False
    if row.status != Status.WAITING and (written or before["status"] != Status.WAITING):
        report.attempt_ended(row, recorded=written)
    return row if written else None


def _write(
    row: Verification,
    before: dict[str, Any],
    changes: dict[str, Any],
    origin: audit.Origin,
    using: str,
    user: Any,
    answers: Sequence[str],
) -> bool:
    with durable(using):
        if row.status in ERASABLE and _is_withdrawn(row, using):
            changes |= erased()
            row.__dict__.update(changes)
        if _came_before(row, answers, using):
            raise IntegrityError("the answer came before")
        written = statements.update(Verification, before, changes, using)
        if not written and _is_written(row, changes, using):
            return True  # by an earlier try, whose commit succeeded although it raised
        details = _details(changes)
        if not written:
            if before["status"] != Status.WAITING:  # else another query ended the face
                details["answer_digest"] = row.answer_digest or ""
                audit.append(Event.EXCHANGE_SUPERSEDED, origin, using=using, about=row, **details)
        elif row.status != Status.WAITING:
            details["openid_digest"] = _openid_digest(row, user)
            audit.append_outcome(Event.EXCHANGE, origin, row, using=using, **details)
    return written


def _is_withdrawn(row: Verification, using: str) -> bool:
    """Whether the consent was withdrawn while WeChat was asked. It is locked until the record is written."""
    if row.consent_id is None:
        return False
    consent = {"id": row.consent_id}
    return bool(statements.first(Consent, "withdrawn_at", consent, using, locked=True))


def _came_before(row: Verification, answers: Sequence[str], using: str) -> bool:
    """Whether another record has the answer, under any key: recorded, discarded, or erased since."""
    tables = (AuditEvent, Verification)
    if not answers or not statements.count_in(tables, "answer_digest", answers, using):
        return False
    same = {"answer_digest__in": list(answers)}
    events = AuditEvent.objects.using(using).filter(**same).exclude(verification_id=row.pk)
    records = Verification.objects.using(using).filter(**same).exclude(pk=row.pk)
    return events.exists() or records.exists()


def _openid_digest(row: Verification, user: Any) -> str:
    """The digest of the openid that is the user's name; empty for other names, and unless verified."""
    if row.status != Status.VERIFIED or conf.current().openid_resolver:
        return ""
    named = getattr(user, "get_username", None)  # the user of a stateless JWT has none
    name = named() if named else ""
    return audit.openid_digests(name)[0].hex if is_openid(name) else ""


def _details(changes: dict[str, Any]) -> dict[str, Any]:
    """The event's columns. A face's verify_ret is stored as errcode: no value is both."""
    details = {name: changes[name] for name in ("error_code", "duration_ms") if name in changes}
    errcode = changes.get("errcode")
    if errcode is None and changes.get("error_code"):
        errcode = changes.get("verify_ret")
    return details | {"errcode": errcode}


def _is_written(row: Verification, changes: dict[str, Any], using: str) -> bool:
    same = {name: changes[name] for name in ("status", "finished_at")}
    rows = Verification.objects.using(using)
    return rows.filter(pk=row.pk, attempt=row.attempt, **same).exists()


def send_signal(after: Verification, user: Any) -> None:
    """Send the signal of the attempt's end. A receiver's error has no effect."""
    signals = {
        Status.VERIFIED: verification_succeeded,
        Status.REJECTED: verification_rejected,
        Status.ERASED: verification_erased,  # its consent was withdrawn meanwhile
    }
    signal = signals.get(Status(after.status))
    if signal:
        signal.send_robust(sender=Verification, verification=after, user=user)
