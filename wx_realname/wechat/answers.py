"""Interprets WeChat's answers: a name and a number, a verdict, or nothing reliable."""

from __future__ import annotations

import base64
from typing import Any

from .. import names, resident_id
from ..exceptions import Mismatch, NoRealName, OutcomeUnknown, UnreadableAnswer
from ..personal_data import PersonalData
from .merchant_key import MerchantKey
from .reading import Answer

MAX_NAME = 200  # characters

# The document's spelling, and the right one.
_NAME_FIELDS = ("encryted_real_name", "encrypted_real_name")
_NUMBER_FIELDS = ("encryted_credential_id", "encrypted_credential_id")


def means_success(answer: Answer) -> bool:
    return any(name in answer for name in ("errcode", *_NAME_FIELDS, *_NUMBER_FIELDS))


def decrypt(answer: Answer, key: MerchantKey) -> PersonalData | None:
    """Name and number, or None for any other answer.

    With a wrong key OpenSSL mostly gives random bytes instead of an error, and one in forty of
    those decodes as GBK: only a number shaped like an ID number proves that the key was right.
    """
    ciphertexts = [_ciphertext(answer, fields) for fields in (_NAME_FIELDS, _NUMBER_FIELDS)]
    name, number = (_plain(ciphertext, key) for ciphertext in ciphertexts)
    real_name, credential_id = _name(name), _number(number)
    if not real_name or not credential_id:
        return None
    return PersonalData(real_name, credential_id, b"".join(ciphertexts))


def _ciphertext(answer: Answer, fields: tuple[str, ...]) -> bytes:
    """Empty for what isn't base64."""
    encoded = next((answer.get(field) for field in fields if field in answer), None)
    if not isinstance(encoded, str):
        return b""
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        return b""


def _plain(ciphertext: bytes, key: MerchantKey) -> bytes | None:
    if not ciphertext:
        return None
    try:
        data: Any = key.decrypt(ciphertext)
    except Exception:
        return None  # encrypted for another key, or an error of the device: unreadable in any case
    return data if isinstance(data, bytes) else None


def _name(data: bytes | None) -> str | None:
    """The name. GB18030 reads all of GBK, and the rare characters at which Python's gbk fails."""
    try:
        name = data.decode("gb18030").strip() if data else ""
    except UnicodeDecodeError:
        return None
    name = names.fold_private_use(name)
    return name if len(name) <= MAX_NAME and names.is_plausible(name) else None


def _number(data: bytes | None) -> str | None:
    try:
        return resident_id.normalize(data.decode("ascii")) if data else None
    except UnicodeDecodeError:
        return None


def judge(answer: Answer) -> None:
    """The verdict: `;`-separated words for the openid, and for the number if the name matched.

    Only an unambiguous match is a success.
    """
    person, number = _words(answer, "verify_openid"), _words(answer, "verify_real_name")
    if person == {"V_OP_NM_MA"} and number == {"V_NM_ID_MA"}:
        return
    if not person and not number and "errcode" not in answer:
        raise OutcomeUnknown
    if "V_OP_NM_MA" not in person and "V_OP_NA" in person:
        raise NoRealName
    if person == {"V_OP_NM_UM"} or (person == {"V_OP_NM_MA"} and number == {"V_NM_ID_UM"}):
        raise Mismatch
    raise UnreadableAnswer


def _words(answer: Answer, name: str) -> set[str]:
    value = answer.get(name)
    if not isinstance(value, str):
        return set()
    return {word.strip() for word in value.split(";")} - {""}
