"""WeChat's errmsg is free text, which may echo the request: only known texts are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, quote_plus

from ..exceptions import WeChatReply
from ..personal_data import Secret
from ..resident_id import SHAPE
from ..text import CONTROL

#: WeChat's texts by return code, as they were seen: a new one is added without what it may echo.
TEXTS: Mapping[int, str] = MappingProxyType(
    {
        -1: "system error",
        1005: "invalid appid",
        40001: "invalid credential, access_token is invalid or not latest",
        40002: "invalid grant_type",
        40003: "invalid openid",
        40013: "invalid appid",
        40014: "invalid access_token",
        40029: "invalid code",
        40066: "invalid url",
        40125: "invalid appsecret",
        40163: "code been used",
        40226: "code blocked",
        40243: "invalid appsecret: it is frozen, unfreeze it on mp.weixin.qq.com",
        41001: "access_token missing",
        41002: "appid missing",
        41004: "appsecret missing",
        41008: "missing code",
        42001: "access_token expired",
        43001: "require GET method",
        43002: "require POST method",
        45009: "reach max api daily quota limit",
        45011: "api minute-quota reach limit mustslower retry next minute",
        47001: "data format error",
        48001: "api unauthorized",
        61007: "api is unauthorized to component",
        80111: "code not exist",
        80112: "code is in use, try again later",
        80113: "invalid code",
        84001: "invalid identify_id",
        84010: "missing out_seq_no",
        84011: "invalid out_seq_no",
        84012: "missing cert_info",
        84013: "invalid cert_type",
        84014: "invalid cert_name",
        84015: "invalid cert_no",
        84016: "missing openid",
        84017: "openid does not match",
        84018: "cert_hash does not match",
        84019: "out_seq_no already exists",
        84020: "out_seq_no does not match",
        84021: "missing verify_id",
        84022: "verify_id expired",
        89503: "this ip is not in the whitelist, waiting for confirmation of the administrator",
        89506: "this ip was refused by the administrator twice, try again in 24 hours",
        89507: "this ip was refused by the administrator, try again in 1 hour",
        94001: "missing cert_serialno",
        94002: "user has not registered wechat pay",
        94003: "invalid sign",
        94004: "user has no realname info",
        94005: "invalid user token",
        94006: "appid unauthorized to get realname info",
        94007: "appid and mchid have no binding relation",
        94008: "invalid timestamp",
        94009: "invalid cert_serialno",
        94010: "invalid mch_id",
    }
)
KNOWN = frozenset(TEXTS.values()) | {"system busy", "invalid credential"}
#: Kept whole: it is the operator's own address, which must be added to the whitelist.
_ADDRESS = re.compile(
    r"invalid ip [0-9.]{7,15}( ipv6 [0-9a-f:.]{2,45})?, not in whitelist", re.IGNORECASE
)

# Every repetition is bounded: a page of blanks must not take a minute.
_HINT = re.compile(r"hint: {0,9}\[ {0,9}(?=[0-9._-]{0,23}[A-Za-z])([0-9A-Za-z._-]{1,24}) {0,9}\]")
_RID = re.compile(r"rid: {0,9}([0-9a-f]{1,16}(?:-[0-9a-f]{1,16}){1,3})(?![0-9A-Za-z-])")
_WORD = re.compile(r"[^\s\"'<>\[\](){}=:&?,;*]{8,}")
_ID_NUMBER = re.compile(rf"(?<![0-9])(?:{SHAPE})(?![0-9])")


def reply(errcode: int, errmsg: Any, secrets: Iterable[Secret]) -> WeChatReply:
    """The part of errmsg that may be stored: a known text, and the reference that WeChat's support asks for.

    Of any other text only the length is kept.
    """
    text = CONTROL.sub(" ", errmsg) if isinstance(errmsg, str) else ""
    cleaned = text
    for secret in secrets:
        if secret:
            cleaned = _without(secret.reveal(), cleaned)
    cleaned = _ID_NUMBER.sub("***", cleaned)
    found = _HINT.search(cleaned) or _RID.search(cleaned)
    said = _known_text(cleaned[: found.start()] if found else cleaned, len(text))
    words = f"{said} {found[0]}" if found else said
    return WeChatReply(errcode=errcode, errmsg=words.strip(), hint=found[1] if found else None)


def _known_text(text: str, length: int) -> str:
    text = text.strip(" ,.")
    if not text or text in KNOWN or _ADDRESS.fullmatch(text):
        return text
    return f"unknown text ({length} characters)"


def _without(secret: str, text: str) -> str:
    """The text without the secret, also where it was percent-encoded for a URL, or cut."""
    for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
        text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
        text = _WORD.sub(partial(_unless_part_of, form), text)
    return text


def _unless_part_of(secret: str, word: re.Match[str]) -> str:
    return "***" if word[0].strip(".…") in secret else word[0]
