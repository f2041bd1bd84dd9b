"""getrealnameinfo: section 4.3, with the signature and encryption of 4.4."""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .citizens import Citizen
from .errcodes import Refused
from .ledger import Note
from .state import State
from .wire import Document, Request, json_object

CLOCK_TOLERANCE = 300  # seconds; the document only says "the current time"
_SERIAL = re.compile(r"[0-9A-F]{40}")


def getrealnameinfo(state: State, request: Request, note: Note) -> Document:
    """POST /cgi-bin/wxopen/getrealnameinfo: consume the auth_token, answer name and number.

    The checks run in this order: who asks, the certificate (94001, 94009, 94010), the time
    (94008), the signature (94003), the appid's rights (94007, 94006), the auth_token (94005, -1,
    94002, 94004).
    """
    note.app_id = state.access_tokens.app_id_of(request.query.get("access_token", ""))
    asked = json_object(request.body)
    note.token(asked.get("auth_token"))
    public_key = note.public_key = _certificate_key(state, asked)
    _check_timestamp(asked.get("timestamp"), state.now())
    _check_sign(asked, public_key)
    _check_rights(state, note.app_id, str(asked["mch_id"]))
    citizen = state.auth_tokens.redeem(asked.get("auth_token"), note.app_id)
    note.consumed = True
    return _encrypted(citizen, public_key)


def _certificate_key(state: State, asked: Document) -> rsa.RSAPublicKey:
    serial = asked.get("cert_serialno")
    if serial is None or serial == "":
        raise Refused(94001)
    if not isinstance(serial, str) or not _SERIAL.fullmatch(serial):
        raise Refused(94009)
    public_keys = state.registry.public_keys(asked.get("mch_id"))
    if public_keys is None:
        raise Refused(94010)
    if serial not in public_keys:
        raise Refused(94009)
    return public_keys[serial]


def _check_timestamp(timestamp: object, now: float) -> None:
    if type(timestamp) is not int:  # a string got 94008 in a public report; True is an int
        raise Refused(94008)
    if abs(timestamp - int(now)) > CLOCK_TOLERANCE:
        raise Refused(94008)


def _check_sign(asked: Document, public_key: rsa.RSAPublicKey) -> None:
    signed = f"cert_serialno={asked['cert_serialno']}&timestamp={asked['timestamp']}"
    try:
        signature = base64.b64decode(str(asked.get("sign")), validate=True)
        public_key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        raise Refused(94003) from None


def _check_rights(state: State, app_id: str, mch_id: str) -> None:
    merchant = state.registry.binding(app_id, mch_id)
    if merchant is None:
        raise Refused(94007)
    if not merchant.button:
        raise Refused(94006)


def _encrypted(citizen: Citizen, public_key: rsa.RSAPublicKey) -> Document:
    return {
        "errcode": 0,
        "errmsg": "ok",
        # The spelling of the document, and of WeChat.
        "encryted_real_name": _encrypt(citizen.real_name_bytes(), public_key),
        "encryted_credential_id": _encrypt(citizen.credential_id_bytes(), public_key),
    }


def _encrypt(plain: bytes, public_key: rsa.RSAPublicKey) -> str:
    return base64.b64encode(public_key.encrypt(plain, padding.PKCS1v15())).decode("ascii")
