"""An attempt: reserve the row, ask WeChat, record the answer. Every attempt leaves its record.

Reserving and recording are two transactions; between them, while WeChat is asked, no lock and no
transaction is held. A crash in between leaves the row pending, which becomes unknown later (a face: failed).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from ... import audit, log
from ...exceptions import (
    ConfigurationError,
    InvalidAuthToken,
    InvalidCode,
    Minor,
    Misconfigured,
    OutcomeUnknown,
    RealNameError,
)
from ...models import Verification
from ...personal_data import PersonalData
from .. import clients
from ..transactions import release
from . import recording
from .job import Job
from .reservation import reserve

logger = logging.getLogger(__name__)

Status = Verification.Status


def run(job: Job) -> Verification:
    """Run the job, and return its record; WeChat is asked if necessary. Raises the interface's errors."""
    row = reserve(job)
    if row.status == Status.PENDING:
        release()  # a token provider and a key's device may be slow, too
        with log.bound(verification_id=row.id, merchant=row.merchant, attempt=row.attempt):
            row = _Attempt(job, row).run()
    return row


class _Attempt:
    """One attempt on a reserved row: ask, then record."""

    def __init__(self, job: Job, row: Verification) -> None:
        self._job = job
        self._row = row
        self._serialno = ""
        self._began = time.monotonic()
        self._answers: list[str] = []  # the digests of WeChat's answer, by all keys

    def run(self) -> Verification:
        answer = self._ask()
        if isinstance(answer, (InvalidAuthToken, InvalidCode)) and (
            self._row.in_doubt or answer.in_doubt
        ):
            # The token may be invalid because an earlier try of this call consumed it.
            answer = OutcomeUnknown(wechat=answer.wechat)
        try:
            after = self._record(answer)
        except recording.Replayed:
            answer = OutcomeUnknown()
            after = self._record(answer)
        if after is None:
            error = self._job.lost(verification_id=self._row.pk)
            error.reached = getattr(answer, "reached", True)
            raise error
        recording.send_signal(after, self._job.user)
        if isinstance(answer, RealNameError):
            answer.verification_id = after.pk
            raise answer.with_traceback(None) from None
        after.newly_verified = after.status == Status.VERIFIED
        return after

    def _record(self, answer: Any) -> Verification | None:
        job, changes = self._job, self._changes(answer)
        digests = self._answers if "answer_digest" in changes else []
        return recording.record(self._row, changes, job.origin, job.using, job.user, digests)

    def _ask(self) -> Any:
        """WeChat's answer, or the error."""
        settings = self._job.settings
        if recording.is_refused_minor(settings, self._job.typed):
            return Minor()  # decided before WeChat is asked
        answer = self._ask_wechat()
        if isinstance(answer, PersonalData) and answer.ciphertexts:
            self._answers = audit.answer_digests(answer.ciphertexts)
        if isinstance(answer, PersonalData) and recording.is_refused_minor(settings, answer):
            return Minor()
        return answer

    def _ask_wechat(self) -> Any:
        try:
            client = clients.client_for(self._job.merchant)
            key = self._job.key(client)
        except ConfigurationError as error:
            logger.error("%s", error)
            return Misconfigured()
        self._serialno = key.serialno if key else ""
        try:
            return self._job.ask(client, key, clients.deadline())
        except RealNameError as known:
            return known
        except Exception as unexpected:  # its message and frames may hold secrets
            logger.error("unexpected %s while WeChat was asked", type(unexpected).__qualname__)
            return self._job.lost()

    def _changes(self, answer: Any) -> dict[str, Any]:
        common = {"cert_serialno": self._serialno, **recording.finished(self._began)}
        if self._answers and isinstance(answer, (PersonalData, Minor)):
            common["answer_digest"] = self._answers[0]
        if isinstance(answer, RealNameError):
            return common | recording.ended(self._row, answer)
        return common | self._job.changes(self._row, answer)
