"""Face verification: begins with the typed name and number, and ends by WeChat's answer, not the phone's."""

from __future__ import annotations

import logging
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router
from django.utils import timezone

from ... import audit, conf, log
from ...exceptions import (
    ConfigurationError,
    ExchangeInProgress,
    FaceExpired,
    Minor,
    Misconfigured,
    NotFound,
    RealNameError,
    WeChatUnreachable,
)
from ...models import Verification
from ...personal_data import PersonalData, Secret
from ...uuid7 import uuid7
from ...wechat import face as wechat
from ...wechat.client import WeChatClient
from ...wechat.merchant_key import MerchantKey
from ...wechat.reading import Deadline
from .. import clients, trust
from ..rights.erasure import with_users
from ..rows import error_of
from ..transactions import durable, release
from . import attempt, face_record, job, recording, single_flight, typed
from .face_record import FaceRecord

logger = logging.getLogger(__name__)

Status = Verification.Status

TRIES = 3  # out_seq_nos to try, when answers of getverifyid are lost
GRACE = timedelta(minutes=10)  # after expires_at: WeChat's clock and this server's may differ


def begin_face(
    *,
    user: Any,
    openid: str | Secret,
    real_name: str | Secret,
    credential_id: str | Secret,
    merchant: str = "default",
    notice: Any = None,
    request: Any = None,
) -> Verification:
    """Begin a face verification (getverifyid): the record waits, `.verify_id` is for the mini-program.

    `openid` is the citizen's in this mini-program. `.verify_id` is set on the returned instance only,
    and valid until `.expires_at`. Every begin is a record of its own. If the consent is withdrawn
    while WeChat is asked, the record is erased, and `.verify_id` is None.

    Raises a `RealNameError` subclass for each code of the interface; `ConfigurationError` for wrong
    settings, and inside the host's own `atomic()`.
    """
    # under the same names, so that no secret stands in this function's frame
    openid, real_name, credential_id = map(Secret.of, (openid, real_name, credential_id))
    row_id = uuid7()
    prepared = job.prepare(
        user=user,
        alias=merchant,
        notice=notice,
        request=request,
        token=("id", Secret(str(row_id)), "wx_realname.face_digest"),
        **typed.faults(openid, real_name, credential_id),
    )
    data = typed.normalize(real_name, credential_id)
    row = attempt.run(_Begin(**prepared, row_id=row_id, openid=openid, typed=data))
    if row.status == Status.WAITING:
        row.verify_id = face_record.read(row).verify_id.reveal()
    return row


def finish_face(verification: Verification, *, request: Any = None) -> Verification:
    """Ask WeChat how the face verification ended (queryverifyinfo), and record it.

    A record that has ended is returned, or its error raised, without asking. While nothing is decided
    it stays waiting, and the call may be repeated: `FaceNotFinished`, `WeChatUnreachable` and others.

    Raises `NotFound` for what isn't a face record, `ExchangeInProgress` while it is still being begun,
    `ConfigurationError` inside the host's own `atomic()`.
    """
    address = audit.Origin.of(None, request).ip_address
    actor = "" if verification.user_id is None else str(verification.user_id)
    return finish(verification.pk, audit.Origin(actor, address))


def finish(record: UUID, origin: audit.Origin) -> Verification:
    """`finish_face` for a record's id."""
    row = _read(record)
    trust.require([row], origin, reads=False)  # a waiting face's own key is required by face_record
    if row.status != Status.WAITING:
        return _return_or_raise(row)
    release()
    with single_flight.leading(row.pk) as flight:
        if flight is None:
            with log.bound(verification_id=row.pk, merchant=row.merchant, attempt=row.attempt):
                return _query(row, origin)
    error = single_flight.wait_for(flight, conf.current().total_timeout)
    return _after_others(row.pk, error)


@dataclass(frozen=True)
class _Begin(job.Job):
    openid: Secret
    typed: PersonalData

    method = Verification.Method.FACE
    lost = WeChatUnreachable

    def ask(
        self, client: WeChatClient, key: MerchantKey | None, deadline: Deadline
    ) -> wechat.Begun:
        return wechat.getverifyid(
            client, self.openid, self.typed, _out_seq_nos(self.row_id), deadline
        )

    def changes(self, row: Verification, answer: wechat.Begun) -> dict[str, Any]:
        face = FaceRecord(
            answer.verify_id,
            answer.out_seq_no,
            self.openid,
            row.app_id,
            str(row.user_id),
            row.merchant,
            self.typed,
        )
        return {
            "status": Status.WAITING,
            "face_encrypted": face.sealed(row.pk),
            "expires_at": timezone.now() + timedelta(seconds=answer.expires_in),
        }


def _out_seq_nos(row_id: UUID) -> list[str]:
    """Of at most 32 characters, WeChat's limit: the hex of the whole UUID would leave no room."""
    short = urlsafe_b64encode(row_id.bytes).decode().rstrip("=")
    return [f"{short}-{number}" for number in range(1, TRIES + 1)]


def _read(record: UUID) -> Verification:
    """The record as it stands on the write database. Raises `NotFound`."""
    using = router.db_for_write(Verification)
    rows = with_users(Verification.objects.using(using))
    with durable(using):  # inside the caller's transaction WeChat's answer couldn't be recorded
        row = rows.filter(pk=record, method=Verification.Method.FACE).first()
    if row is None:
        raise NotFound
    return row


def _return_or_raise(row: Verification) -> Verification:
    if row.status == Status.PENDING:
        raise ExchangeInProgress(verification_id=row.pk)
    if row.status in (Status.VERIFIED, Status.ERASED):
        return row
    raise error_of(row)


def _after_others(record: UUID, error: RealNameError | None) -> Verification:
    """The record as another request ended it. Raises the error if it still waits."""
    row = _read(record)
    if row.status != Status.WAITING:
        return _return_or_raise(row)
    error = error or WeChatUnreachable()
    error.verification_id = row.pk
    raise error


def _query(row: Verification, origin: audit.Origin) -> Verification:
    """Ask, and record the end. A query reserves nothing: after a crash here the row still waits."""
    face = face_record.read(row)
    began = time.monotonic()
    ended = _ask(row, face)
    if ended.error:
        ended.error.verification_id = row.pk
    if ended.becomes == "waiting":
        error = ended.error or WeChatUnreachable(verification_id=row.pk)
        raise error.with_traceback(None) from None
    changes = _changes(row, face, ended) | recording.finished(began)
    using = router.db_for_write(Verification)
    after = recording.record(row, changes, origin, using, row.user)
    if after is None:
        return _after_others(row.pk, None)
    recording.send_signal(after, after.user)
    after.newly_verified = after.status == Status.VERIFIED
    return _return_or_raise(after)


def _changes(row: Verification, face: FaceRecord, ended: wechat.Ended) -> dict[str, Any]:
    settings = conf.current()
    emptied = {"face_encrypted": None, "verify_ret": ended.verify_ret}
    if ended.error is None and recording.is_refused_minor(settings, face.typed):
        ended = wechat.Ended("rejected", Minor())
    if ended.error is None:
        return emptied | recording.verified(row, face.typed, settings)
    return emptied | recording.ended(row, ended.error, ended.becomes)


def _ask(row: Verification, face: FaceRecord) -> wechat.Ended:
    """How it ended: by WeChat's answer, or because its time is over."""
    if row.expires_at is None or timezone.now() > row.expires_at + GRACE:
        return wechat.Ended("unknown", FaceExpired())
    try:
        client = clients.client_for(_merchant(row))
        begun = wechat.Begun(face.verify_id, face.out_seq_no, 0)
        return wechat.queryverifyinfo(client, begun, face.openid, face.typed, clients.deadline())
    except ConfigurationError as error:
        logger.error("%s", error)
        return wechat.Ended("waiting", Misconfigured())
    except Exception as unexpected:  # its message and frames may hold secrets
        logger.error("unexpected %s while WeChat was asked", type(unexpected).__qualname__)
        return wechat.Ended("waiting", WeChatUnreachable())


def _merchant(row: Verification) -> conf.Merchant:
    """The merchant that began it: a verify_id is valid for one appid only."""
    merchant = conf.current().merchants.get(row.merchant)
    if merchant is None:
        raise ConfigurationError(
            f'MERCHANTS no longer has "{row.merchant}": a waiting face needs it.'
        )
    if merchant.app_id != row.app_id:
        raise ConfigurationError(
            f'MERCHANTS["{row.merchant}"] has another APP_ID than when a waiting face began.'
        )
    return merchant
