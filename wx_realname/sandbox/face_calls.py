"""Face verification 2.0: getverifyid begins one, queryverifyinfo reports how it ended."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from base64 import b64encode
from datetime import datetime

from .errcodes import Refused
from .faces import LIFETIME, Claim
from .ledger import Note
from .state import State
from .wire import Document, Request, json_object

ID_CARD = "IDENTITY_CARD"
LONGEST_NAME = 64  # characters
_OUT_SEQ_NO = re.compile(r"[A-Za-z0-9_-]{5,32}")
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CERT_NO = re.compile(r"[1-9][0-9]{16}[0-9X]")
_NOT_OF_A_NAME = {"Cc", "Cf", "Cs", "Co", "Nd", "Zl", "Zp"}  # Unicode categories


def getverifyid(state: State, request: Request, note: Note) -> Document:
    """POST /cityservice/face/identify/getverifyid: name, number and openid in, a verify_id out.

    The checks run in this order: who asks, the appid's rights (48001), out_seq_no (84010, 84011),
    cert_info (84012 to 84015), the openid (84016, 40003), whether out_seq_no is new (84019).
    """
    asked = _asked(state, request, note)
    out_seq_no = _out_seq_no(asked)
    cert_info = asked.get("cert_info")
    if not isinstance(cert_info, dict) or not cert_info:
        raise Refused(84012)
    _check_cert_info(cert_info)
    openid = _openid(state, asked, note)
    claim = Claim(note.app_id or "", out_seq_no, openid, cert_hash(cert_info))
    verify_id = state.faces.begin(claim, cert_info["cert_no"], state.now())
    note.consumed = True
    return {"errcode": 0, "errmsg": "", "verify_id": verify_id, "expires_in": LIFETIME}


def queryverifyinfo(state: State, request: Request, note: Note) -> Document:
    """POST /cityservice/face/identify/queryverifyinfo: the verify_ret; it may be asked again.

    The checks run in this order: who asks, the appid's rights (48001), what is missing (84021,
    84010, 84011, 84016), the openid (40003), the verify_id (84001), what differs (84017, 84018,
    84020), its age (84022).
    """
    asked = _asked(state, request, note)
    verify_id = asked.get("verify_id")
    if not isinstance(verify_id, str) or not verify_id:
        raise Refused(84021)
    out_seq_no, openid = _out_seq_no(asked), _openid(state, asked, note)
    claim = Claim(note.app_id or "", out_seq_no, openid, asked.get("cert_hash"))
    verify_ret = state.faces.query(verify_id, claim, state.now())
    note.verdict = {"verify_ret": verify_ret}
    return {"errcode": 0, "errmsg": "", "verify_ret": verify_ret}


def cert_hash(cert_info: Document) -> str:
    """SHA-256 in hex over type, name and number, each in base64."""
    fields = (
        f"{name}={b64encode(str(cert_info[name]).encode()).decode()}"
        for name in ("cert_type", "cert_name", "cert_no")
    )
    return hashlib.sha256("&".join(fields).encode()).hexdigest()


def _asked(state: State, request: Request, note: Note) -> dict[str, object]:
    note.app_id = state.access_tokens.app_id_of(request.query.get("access_token", ""))
    asked = json_object(request.body)
    note.token(asked.get("out_seq_no"))
    if not state.registry.may(note.app_id, "face"):
        raise Refused(48001)
    return asked


def _out_seq_no(asked: Document) -> str:
    out_seq_no = asked.get("out_seq_no")
    if out_seq_no is None or out_seq_no == "":
        raise Refused(84010)
    if not isinstance(out_seq_no, str) or not _OUT_SEQ_NO.fullmatch(out_seq_no):
        raise Refused(84011)
    return out_seq_no


def _openid(state: State, asked: Document, note: Note) -> str:
    """The openid; 40003 for an invalid one, and for one that logged in only to another appid."""
    openid = asked.get("openid")
    if openid is None or openid == "":
        raise Refused(84016)
    if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
        raise Refused(40003)
    apps = state.login_codes.apps_of(openid)
    if apps and note.app_id not in apps:
        raise Refused(40003)
    return openid


def _check_cert_info(cert_info: Document) -> None:
    if cert_info.get("cert_type") != ID_CARD:
        raise Refused(84013)
    if not _is_name(cert_info.get("cert_name")):
        raise Refused(84014)
    if not _is_number(cert_info.get("cert_no")):
        raise Refused(84015)


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name != name.strip():
        return False
    return not any(unicodedata.category(character) in _NOT_OF_A_NAME for character in name)


def _is_number(number: object) -> bool:
    """Whether form and date are right. Whether it is somebody's number, the verify_ret reports."""
    if not isinstance(number, str) or not _CERT_NO.fullmatch(number):
        return False
    try:
        datetime.strptime(number[6:14], "%Y%m%d")
    except ValueError:
        return False
    return True
