"""Successes without a readable name, number or token."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .fault import (
    CHECK,
    FIELDS,
    GETVERIFYID,
    REALNAME,
    TOKEN_CALLS,
    Act,
    Changed,
    Encounter,
    Fault,
    changed,
    with_fields,
)

NAME, NUMBER = FIELDS[REALNAME]
ALWAYS_THERE = ("errcode", "errmsg")  # these may be missing in a success: see `quirks`
_WITH_EXPIRES_IN = (*TOKEN_CALLS, GETVERIFYID)
_INVENTED = "张三".encode("gb18030")
_PKCS1 = padding.PKCS1v15()
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@cache
def _stranger() -> rsa.RSAPublicKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()


def _encrypted(plain: bytes, key: rsa.RSAPublicKey, how: padding.AsymmetricPadding) -> str:
    return base64.b64encode(key.encrypt(plain, how)).decode()


def _instead(
    plain: bytes, *fields: str, how: padding.AsymmetricPadding = _PKCS1
) -> Callable[[Encounter, Changed], Changed]:
    """Other plain text in these fields, for the key that the merchant named."""

    def change(encounter: Encounter, document: Changed) -> Changed:
        key = encounter.note.public_key
        if key is None:
            return document
        return document | {name: _encrypted(plain, key, how) for name in fields}

    return change


def _for_a_stranger(encounter: Encounter, document: Changed) -> Changed:
    return document | {name: _encrypted(_INVENTED, _stranger(), _PKCS1) for name in (NAME, NUMBER)}


def _swapped(encounter: Encounter, document: Changed) -> Changed:
    return document | {NAME: document[NUMBER], NUMBER: document[NAME]}


def _with(field: str, value: object) -> Act:
    return changed(lambda encounter, document: document | {field: value})


def without(field: str) -> Act:
    """The success, less one field."""

    def change(encounter: Encounter, document: Changed) -> Changed:
        return {name: value for name, value in document.items() if name != field}

    return changed(change)


def _without(field: str, *calls: str) -> Fault:
    return Fault(f"without_{field}", f"the answer has no {field}", without(field), calls=calls)


def _realname(name: str, description: str, act: Act) -> Fault:
    return Fault(name, description, act, calls=(REALNAME,))


def _verdict(name: str, description: str, person: str) -> Fault:
    words = {"verify_openid": person, "verify_real_name": ""}
    return Fault(name, description, changed(lambda _, document: document | words), calls=(CHECK,))


def _expires_in(name: str, value: object) -> Fault:
    act = _with("expires_in", value)
    return Fault(f"expires_in_{name}", f"expires_in is {value!r}", act, calls=_WITH_EXPIRES_IN)


FAULTS: tuple[Fault, ...] = (
    Fault("wrong_types_number", "numbers where text is due", with_fields(lambda value: 7)),
    Fault("wrong_types_null", "null where text is due", with_fields(lambda value: None)),
    Fault(
        "wrong_types_nested",
        "objects where text is due",
        with_fields(lambda value: {"value": [value]}),
    ),
    _without("encryted_real_name", REALNAME),
    _without("encryted_credential_id", REALNAME),
    _realname(
        "without_both_fields",
        "errcode 0, and neither name nor number",
        changed(lambda encounter, document: {"errcode": 0, "errmsg": "ok"}),
    ),
    _realname("encrypted_for_another_key", "for a key that is not yours", changed(_for_a_stranger)),
    _realname(
        "encrypted_with_oaep",
        "encrypted with OAEP, not PKCS#1 v1.5",
        changed(_instead(_INVENTED, NAME, NUMBER, how=_OAEP)),
    ),
    _realname("broken_base64", "not base64", with_fields(lambda value: f"%{value[1:]}")),
    _realname("cut_base64", "half of each base64", with_fields(lambda value: value[:172])),
    _realname("fields_swapped", "the name in the number's place", changed(_swapped)),
    _realname("empty_name", "the name is empty", changed(_instead(b"", NAME))),
    _realname("name_not_gbk", "the name is no GB18030", changed(_instead(b"\xff\xff", NAME))),
    _realname(
        "name_with_nul", "a NUL within the name", changed(_instead(b"\xd5\xc5\0\xc8\xfd", NAME))
    ),
    _realname(
        "number_of_a_passport", "a passport's number", changed(_instead(b"E00000000", NUMBER))
    ),
    _realname(
        "number_with_no_such_day",
        "an ID number born on 30 February",
        changed(_instead(b"999999199002300017", NUMBER)),
    ),
    _without("access_token", *TOKEN_CALLS),
    _without("expires_in", *_WITH_EXPIRES_IN),
    _expires_in("text", "7200"),
    _expires_in("negative", -1),
    _without("category_list", "get_category"),
    _without("openid", "jscode2session"),
    _verdict("verdicts_contradict", "the name matches, and doesn't", "V_OP_NM_MA;V_OP_NM_UM"),
    _verdict("verdict_half_said", "the name matches; no word of the number", "V_OP_NM_MA"),
)
