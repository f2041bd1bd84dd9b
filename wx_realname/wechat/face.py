"""Face verification 2.0: getverifyid begins one, queryverifyinfo reports how it ended.

WeChat's guide `platform-capabilities/cityservice/FacialRecognitionVerify`. No picture is ever fetched.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from ..exceptions import OutcomeUnknown, RealNameError, WeChatUnreachable
from ..personal_data import PersonalData, Secret
from . import errcodes, verdicts
from .client import WeChatClient
from .face_errcodes import BAD_OPENID, DUPLICATE_OUT_SEQ_NO, NOT_GRANTED
from .reading import Answer, Deadline
from .transport import Payload

logger = logging.getLogger(__name__)

CERT_TYPE = "IDENTITY_CARD"
MAX_VERIFY_ID = 256  # characters
MAX_LIFETIME = 24 * 3600  # seconds; WeChat names an hour

_PATH = "/cityservice/face/identify/"
_INT32 = 2**31


@dataclass(frozen=True)
class Begun:
    """The answer of getverifyid, and its out_seq_no."""

    verify_id: Secret
    out_seq_no: str
    expires_in: int  # seconds


@dataclass(frozen=True)
class Ended:
    """The result of a query: `becomes` is the record's new status, "waiting" while nothing is decided."""

    becomes: verdicts.Becomes
    error: RealNameError | None = None
    verify_ret: int | None = None


def cert_hash(typed: PersonalData) -> Secret:
    """The hash by which a query names the citizen. It can be guessed by trying names and numbers."""
    fields = {
        "cert_type": CERT_TYPE,
        "cert_name": typed.real_name,
        "cert_no": typed.credential_id,
    }
    text = "&".join(f"{name}={b64encode(of.encode()).decode()}" for name, of in fields.items())
    return Secret(hashlib.sha256(text.encode()).hexdigest())


def getverifyid(
    client: WeChatClient,
    openid: Secret,
    typed: PersonalData,
    out_seq_nos: Iterable[str],
    deadline: Deadline,
) -> Begun:
    """Begin. When an answer is lost, or was lost before (84019), the next out_seq_no is tried.

    Raises `WeChatUnreachable` when all answers were lost, and the error of WeChat's refusal.
    """
    known = None
    for earlier, out_seq_no in enumerate(out_seq_nos):
        payload = _begin(openid, typed, out_seq_no)
        try:
            answer = client.post(
                "getverifyid", _PATH + "getverifyid", payload, deadline, lost=OutcomeUnknown
            )
        except OutcomeUnknown:
            continue
        except RealNameError as error:
            error.reached = error.reached or earlier > 0  # the earlier tries came to WeChat
            known = error.wechat
            if not known or known["errcode"] != DUPLICATE_OUT_SEQ_NO:
                raise
            continue
        if begun := _read_begun(answer, out_seq_no):
            return begun
    lost = WeChatUnreachable(wechat=known)
    lost.reached = True
    raise lost


def queryverifyinfo(
    client: WeChatClient,
    begun: Begun,
    openid: Secret,
    typed: PersonalData,
    deadline: Deadline,
) -> Ended:
    """Ask how it ended. Passed if and only if errcode is 0 and verify_ret is 10000, both integers."""
    payload: Payload = {
        "verify_id": begun.verify_id,
        "out_seq_no": begun.out_seq_no,
        "cert_hash": cert_hash(typed),
        "openid": openid,
    }
    try:
        answer = client.post(
            "queryverifyinfo",
            _PATH + "queryverifyinfo",
            payload,
            deadline,
            lost=WeChatUnreachable,
            secrets=(Secret(typed.real_name), Secret(typed.credential_id)),
        )
    except RealNameError as error:
        return _refused(error)
    verdict = verdicts.verdict_of(answer.get("verify_ret")) if _is_accepted(answer) else None
    if verdict is None:
        return Ended("waiting", WeChatUnreachable())
    if verdict.who in ("operator", "developer"):
        logger.error(
            "The verdict of a face verification: %d, %s. %s",
            verdict.verify_ret,
            verdict.meaning_en,
            verdict.remedy_en,
        )
    fits = -_INT32 <= verdict.verify_ret < _INT32
    return Ended(verdict.becomes, verdict.error(), verdict.verify_ret if fits else None)


def refusal_of_appid(client: WeChatClient, deadline: Deadline) -> int | None:
    """The errcode or verify_ret by which WeChat says that this appid may not verify faces; None: it may.

    WeChat is asked about an invented verify_id. Raises the error when that isn't known: without an
    access_token, or without an answer.
    """
    payload: Payload = {
        "verify_id": Secret(f"realname_doctor_{secrets.token_urlsafe(24)}"),
        "out_seq_no": "realname_doctor",
        "cert_hash": hashlib.sha256(b"").hexdigest(),
        "openid": "realname_doctor",
    }
    path = _PATH + "queryverifyinfo"
    try:
        answer = client.post("queryverifyinfo", path, payload, deadline, lost=WeChatUnreachable)
    except RealNameError as error:
        errcode = error.wechat["errcode"] if error.wechat else None
        if errcode == NOT_GRANTED:
            return NOT_GRANTED
        if errcode is None or not _is_of_a_face(errcode):
            raise
        return None
    verdict = verdicts.verdict_of(answer.get("verify_ret")) if _is_accepted(answer) else None
    if verdict is None:
        raise WeChatUnreachable(reason="an answer without a return code or verdict")
    return verdicts.NO_PERMISSION if verdict.verify_ret == verdicts.NO_PERMISSION else None


def _is_of_a_face(errcode: int) -> bool:
    """Whether the return code is about the verify_id: WeChat checks the appid's rights first."""
    return errcode == BAD_OPENID or 84000 <= errcode < 84100


def _begin(openid: Secret, typed: PersonalData, out_seq_no: str) -> Payload:
    return {
        "out_seq_no": out_seq_no,
        "cert_info": {
            "cert_type": CERT_TYPE,
            "cert_name": Secret(typed.real_name),
            "cert_no": Secret(typed.credential_id),
        },
        "openid": openid,
    }


def _read_begun(answer: Answer, out_seq_no: str) -> Begun | None:
    """None for an invalid answer, which counts as lost."""
    verify_id, expires_in = answer.get("verify_id"), answer.get("expires_in")
    if not (_is_accepted(answer) and _is_verify_id(verify_id) and type(expires_in) is int):
        return None
    if not 0 < expires_in <= MAX_LIFETIME:
        return None
    return Begun(Secret(verify_id), out_seq_no, expires_in)


def _is_accepted(answer: Answer) -> bool:
    """Face answers always carry errcode; without it the answer is invalid."""
    return type(answer.get("errcode")) is int


def _is_verify_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_VERIFY_ID and value.isprintable()


def _refused(error: RealNameError) -> Ended:
    """A return code ends the record only where the table says so; a failed connection never does."""
    errcode = error.wechat and error.wechat["errcode"]
    if errcode is not None and errcodes.ends_a_query(errcode):
        return Ended(error.outcome or "unknown", error)
    return Ended("waiting", error)
