"""An attempt at WeChat: reserve the row, ask, record what came. Every attempt leaves its record.

Reserve and record are transactions of their own; between them, while WeChat is asked, no lock and no
transaction is held. A crash in between leaves the row pending, and pending becomes unknown.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from ... import audit, log, masking, resident_id, statements
from ...exceptions import (
    ConfigurationError,
    InvalidAuthToken,
    InvalidCode,
    Misconfigured,
    OutcomeUnknown,
    RealNameError,
)
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from ...signals import verification_rejected, verification_succeeded
from ...vault import blind_index
from .. import clients
from ..rows import identity
from ..transactions import durable, persistently, release
from . import report
from .job import Job
from .reservation import reserve

logger = logging.getLogger(__name__)

Status = Verification.Status
Event = AuditEvent.Event


def made(job: Job) -> Verification:
    """The record of the job, WeChat asked if need be. Raises what the table of errors says."""
    row = reserve(job)
    if row.status == Status.PENDING:
        release()  # a token provider and a key's device may take their time, too
        with log.bound(verification_id=row.id, merchant=row.merchant, attempt=row.attempt):
            row = _Attempt(job, row).run()
    return row


class _Attempt:
    """One attempt on a row that is ours: ask, then record."""

    def __init__(self, job: Job, row: Verification) -> None:
        self._job = job
        self._row = row
        self._serialno = ""
        self._began = time.monotonic()

    def run(self) -> Verification:
        answer = self._ask()
        if isinstance(answer, (InvalidAuthToken, InvalidCode)) and (
            self._row.in_doubt or answer.in_doubt
        ):
            # The token may be invalid because an earlier try of ours consumed it.
            answer = OutcomeUnknown(wechat=answer.wechat)
        after = self._recorded(self._changes(answer))
        if after is None:
            raise OutcomeUnknown(verification_id=self._row.pk)
        self._tell(after)
        if isinstance(answer, RealNameError):
            answer.verification_id = after.pk
            raise answer.with_traceback(None) from None
        after.newly_verified = True
        return after

    def _ask(self) -> PersonalData | RealNameError:
        try:
            client = clients.client_for(self._job.merchant)
            key = client.keys.now() if self._job.signs else None
        except ConfigurationError as error:
            logger.error("%s", error)
            return Misconfigured()
        self._serialno = key.serialno if key else ""
        try:
            return self._job.ask(client, key, clients.deadline())
        except RealNameError as known:
            return known
        except (
            Exception
        ) as unforeseen:  # its words and frames may hold anything; WeChat may have been asked
            logger.error("unforeseen %s while WeChat was asked", type(unforeseen).__qualname__)
            return OutcomeUnknown()

    def _changes(self, answer: PersonalData | RealNameError) -> dict[str, Any]:
        now = timezone.now()
        common = {
            "cert_serialno": self._serialno,
            "finished_at": now,
            "duration_ms": int((time.monotonic() - self._began) * 1000),
        }
        if isinstance(answer, RealNameError):
            return common | self._error(answer)
        return common | self._success(answer) | {"verified_at": now}

    def _error(self, error: RealNameError) -> dict[str, Any]:
        reply = error.wechat
        return {
            "status": error.outcome or Status.UNKNOWN,
            "error_code": error.code,
            "errcode": reply and reply["errcode"],
            "errmsg": reply["errmsg"] if reply else "",
            "hint": (reply and reply["hint"]) or "",
            "in_doubt": self._row.in_doubt or error.in_doubt,
        }

    def _success(self, data: PersonalData) -> dict[str, Any]:
        settings = self._job.settings
        name, number = None, None
        if settings.storage == "encrypted":
            name, number = Verification.sealed(self._row.id, data)
        names = blind_index.names(settings.index_keys)
        numbers = blind_index.numbers(settings.index_keys)
        return {
            "status": Status.VERIFIED,
            "in_doubt": False,
            "real_name_encrypted": name,
            "credential_id_encrypted": number,
            "real_name_masked": masking.mask_name(data.real_name),
            "credential_id_masked": masking.mask_credential_id(data.credential_id),
            "real_name_index": names.digest(blind_index.name_form(data.real_name)).hex,
            "credential_id_index": numbers.digest(blind_index.number_form(data.credential_id)).hex,
            "index_key_id": settings.index_keys[0].key_id,
            "check_digit_valid": resident_id.check_digit_holds(data.credential_id),
        }

    def _recorded(self, changes: dict[str, Any]) -> Verification | None:
        """The row as recorded; None when it is another's by now, or the database is gone."""
        before = identity(self._row)
        self._row.__dict__.update(changes)  # nobody else has this object
        try:
            written = persistently(lambda: self._write(before, changes), self._job.using)
        except DatabaseError as error:
            logger.error(
                "%s stays pending: the database failed (%s)", self._row.pk, type(error).__name__
            )
            written = False
        report.attempt_ended(self._row, recorded=written)
        return self._row if written else None

    def _write(self, before: dict[str, Any], changes: dict[str, Any]) -> bool:
        using = self._job.using
        with durable(using):
            written = statements.update(Verification, before, changes, using)
            if not written and self._is_written(changes):
                return True  # by a try of ours whose commit we didn't hear of
            names = ("error_code", "errcode", "duration_ms")
            details = {name: changes[name] for name in names if name in changes}
            if written:
                audit.append_outcome(
                    Event.EXCHANGE, self._job.origin, self._row, using=using, **details
                )
            else:
                audit.append(
                    Event.EXCHANGE_SUPERSEDED,
                    self._job.origin,
                    using=using,
                    about=self._row,
                    **details,
                )
        return written

    def _is_written(self, changes: dict[str, Any]) -> bool:
        same = {name: changes[name] for name in ("status", "finished_at")}
        rows = Verification.objects.using(self._job.using)
        return rows.filter(pk=self._row.pk, attempt=self._row.attempt, **same).exists()

    def _tell(self, after: Verification) -> None:
        signals = {Status.VERIFIED: verification_succeeded, Status.REJECTED: verification_rejected}
        signal = signals.get(Status(after.status))
        if signal:
            signal.send_robust(sender=Verification, verification=after, user=self._job.user)
