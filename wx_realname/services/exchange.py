"""The exchange: reserve the row, ask WeChat, record what came. Every attempt leaves its record.

Reserve and record are transactions of their own; between them, while WeChat is asked, no lock and no
transaction is held. A crash in between leaves the row pending, and pending becomes unknown.
"""

from __future__ import annotations

import copy
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, router
from django.utils import timezone

from .. import audit, conf, masking, resident_id
from ..exceptions import (
    BY_CODE,
    AuthTokenInUse,
    ConfigurationError,
    ExchangeInProgress,
    InternalError,
    InvalidAuthToken,
    InvalidRequest,
    Misconfigured,
    NotAuthenticated,
    OutcomeUnknown,
    RealNameError,
    WeChatReply,
)
from ..models import AuditEvent, Verification
from ..personal_data import PersonalData, Secret
from ..signals import verification_rejected, verification_succeeded
from ..text import clean_text
from ..vault import blind_index
from ..vault.blind_index import Digest
from . import merchants
from .transactions import durable, persistently, release

logger = logging.getLogger(__name__)

Status = Verification.Status
Event = AuditEvent.Event

MAX_AUTH_TOKEN = 512
MAX_CONSENT = 64
RESERVE_TRIES = 5


def exchange(
    *,
    user: Any,
    auth_token: str | Secret,
    merchant: str = "default",
    consent: str = "",
    request: Any = None,
) -> Verification:
    """Exchange an auth_token for the citizen's name and ID number, and store them.

    `consent` is the version of the wording that the citizen agreed to, at most 64 characters.
    The same token posted again by the same user gives the same record, or the same error, without
    asking WeChat; see the status table of the interface. `.newly_verified` tells the first time.

    Raises a `RealNameError` subclass for each code of the interface; `ConfigurationError` for wrong
    settings, and inside the host's own `atomic()`.
    """
    auth_token = auth_token if isinstance(auth_token, Secret) else Secret(auth_token)
    job = _Job.of(user, auth_token, merchant, consent, request)
    row = _reserve(job)
    if row.status == Status.PENDING:
        release(job.using)
        row = _Attempt(job, row).run()
    return row


@dataclass(frozen=True)
class _Job:
    """What is asked for, known to be well-formed."""

    user: Any
    auth_token: Secret
    merchant: conf.Merchant
    consent: str
    origin: audit.Origin
    using: str
    digests: tuple[Digest, ...]

    @classmethod
    def of(cls, user: Any, auth_token: Secret, alias: Any, consent: Any, request: Any) -> _Job:
        if getattr(user, "pk", None) is None:
            raise NotAuthenticated
        errors = {}
        if fault := clean_text(auth_token, MAX_AUTH_TOKEN):
            errors["auth_token"] = [str(fault)]
        if fault := clean_text(Secret(consent), MAX_CONSENT, blank=True):
            errors["consent"] = [str(fault)]
        if errors:
            raise InvalidRequest(errors=errors)
        index = blind_index.blind_index(conf.current().index_keys, "wx_realname.token_digest")
        return cls(
            user=user,
            auth_token=auth_token,
            merchant=merchants.find(alias),
            consent=consent,
            origin=audit.Origin.of(user, request),
            using=router.db_for_write(Verification),
            digests=tuple(index.digests(auth_token.reveal())),
        )

    def is_of_the_same(self, row: Verification) -> bool:
        """Whether the row belongs to this user and merchant."""
        return str(row.user_id) == str(self.user.pk) and row.merchant == self.merchant.alias


def _reserve(job: _Job) -> Verification:
    """The row, ours and pending; or as it stands, when there is nothing left to ask.

    Raises what the table of repeats says.
    """
    for _ in range(RESERVE_TRIES):
        # An older INDEX_KEYS may have written the digest; else the insert itself tells.
        known = _find(job) if len(job.digests) > 1 else None
        row = _inserted(job) if known is None else None
        if row is None:
            known = known or _find(job)
            row = _again(job, known) if known else None
        if row is not None:
            return row
    logger.error("no row could be reserved: user %s may be gone", job.user.pk)
    raise InternalError


def _find(job: _Job) -> Verification | None:
    rows = Verification.objects.using(job.using)
    return rows.filter(token_digest__in=[digest.hex for digest in job.digests]).first()


def _inserted(job: _Job) -> Verification | None:
    """A new row, committed; None when the token has one."""
    now = timezone.now()
    row = Verification(
        user_id=job.user.pk,
        merchant=job.merchant.alias,
        mch_id=job.merchant.mch_id,
        app_id=job.merchant.app_id,
        method=Verification.Method.AUTHORIZE,
        status=Status.PENDING,
        consent=job.consent,
        created_at=now,
        started_at=now,
        token_digest=job.digests[0].hex,
        token_key_id=job.digests[0].key_id,
    )
    try:
        with durable(job.using):
            row.save(force_insert=True, using=job.using)
    except IntegrityError:
        return None
    return row


def _again(job: _Job, known: Verification) -> Verification | None:
    """What a token that was posted before gives; None when somebody else just took it over."""
    if not job.is_of_the_same(known):
        with durable(job.using):
            audit.append(
                Event.AUTH_TOKEN_IN_USE,
                job.origin,
                using=job.using,
                verification=known,
                error_code=AuthTokenInUse.code,
            )
        raise AuthTokenInUse
    if known.status in (Status.VERIFIED, Status.ERASED):
        return known
    if known.status == Status.REJECTED:
        raise _error_of(known)
    if known.status == Status.PENDING and not is_stuck(known):
        raise ExchangeInProgress(verification_id=known.pk)
    return _taken_over(job, known)


def is_stuck(row: Verification) -> bool:
    """Whether a pending attempt is older than PENDING_TIMEOUT: its worker died."""
    return timezone.now() - row.started_at > timedelta(seconds=conf.current().pending_timeout)


def _error_of(row: Verification) -> RealNameError:
    wechat = None
    if row.errcode is not None:
        wechat = WeChatReply(errcode=row.errcode, errmsg=row.errmsg, hint=row.hint or None)
    return BY_CODE.get(row.error_code, InvalidAuthToken)(wechat=wechat, verification_id=row.pk)


def _taken_over(job: _Job, known: Verification) -> Verification | None:
    """The row, pending again for another attempt of ours."""
    in_doubt = known.in_doubt or known.status in (Status.PENDING, Status.UNKNOWN)
    changes = {
        "status": Status.PENDING,
        "attempt": known.attempt + 1,
        "consent": job.consent,
        "mch_id": job.merchant.mch_id,
        "app_id": job.merchant.app_id,
        "in_doubt": in_doubt,
        "started_at": timezone.now(),
        **NO_OUTCOME,
    }
    with durable(job.using):
        if not update_if_unchanged(known, job.using, changes):
            return None
        if known.status == Status.PENDING:
            append_abandoned(known, job.origin, job.using)
    return changed(known, changes)


NO_OUTCOME: dict[str, Any] = {
    "cert_serialno": "",
    "error_code": "",
    "errcode": None,
    "errmsg": "",
    "hint": "",
    "duration_ms": None,
    "finished_at": None,
}


def append_abandoned(row: Verification, origin: audit.Origin, using: str) -> None:
    """The end of an attempt whose worker died: it became unknown."""
    audit.append(
        Event.EXCHANGE_ABANDONED,
        origin,
        using=using,
        verification=changed(row, {"status": Status.UNKNOWN}),
        error_code=OutcomeUnknown.code,
    )


def update_if_unchanged(row: Verification, using: str, changes: dict[str, Any]) -> bool:
    """Write, unless the row has meanwhile another status, attempt or user."""
    same = {name: getattr(row, name) for name in ("pk", "status", "attempt", "user_id")}
    return bool(Verification.objects.using(using).filter(**same).update(**changes))


def changed(row: Verification, changes: dict[str, Any]) -> Verification:
    """A copy of the row with the changes."""
    row = copy.copy(row)
    for name, value in changes.items():
        setattr(row, name, value)
    return row


class _Attempt:
    """One attempt on a row that is ours: ask, then record."""

    def __init__(self, job: _Job, row: Verification) -> None:
        self._job = job
        self._row = row
        self._serialno = ""
        self._began = time.monotonic()

    def run(self) -> Verification:
        answer = self._ask()
        if isinstance(answer, InvalidAuthToken) and (self._row.in_doubt or answer.in_doubt):
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
            client = merchants.client_for(self._job.merchant)
            key = client.keys.now()
        except ConfigurationError as error:
            logger.error("%s", error)
            return Misconfigured()
        self._serialno = key.serialno
        try:
            return client.getrealnameinfo(self._job.auth_token, key, merchants.deadline())
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
        settings = conf.current()
        name, number = None, None
        if settings.storage == "encrypted":
            name, number = Verification.sealed(self._row.pk, data)
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
        after = changed(self._row, changes)
        try:
            written = persistently(lambda: self._write(changes, after), self._job.using)
        except DatabaseError as error:
            logger.error(
                "%s stays pending: the database failed (%s)", after.pk, type(error).__name__
            )
            written = False
        return after if written else None

    def _write(self, changes: dict[str, Any], after: Verification) -> bool:
        using = self._job.using
        with durable(using):
            written = update_if_unchanged(self._row, using, changes)
            if not written and self._is_written(changes):
                return True  # by a try of ours whose commit we didn't hear of
            audit.append(
                Event.EXCHANGE if written else Event.EXCHANGE_SUPERSEDED,
                self._job.origin,
                using=using,
                verification=after,
                error_code=changes.get("error_code", ""),
                errcode=changes.get("errcode"),
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
