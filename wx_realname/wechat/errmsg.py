"""WeChat's errmsg is free text, which may echo what it was sent: only what is known of it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

from ..exceptions import WeChatReply
from ..personal_data import Secret

MAX_ERRMSG = 400  # characters

#: WeChat's texts as they were seen: a new one is added here, without what it may have echoed.
KNOWN = frozenset(
    {
        "access_token expired",
        "access_token is invalid or not latest",
        "access_token missing",
        "api is unauthorized to component",
        "api minute-quota reach limit mustslower retry next minute",
        "api unauthorized",
        "appid and mchid have no binding relation",
        "appid missing",
        "appid unauthorized to get realname info",
        "appsecret missing",
        "cert_hash does not match",
        "code been used",
        "code blocked",
        "code is in use, try again later",
        "code not exist",
        "data format error",
        "invalid access_token",
        "invalid appid",
        "invalid appsecret",
        "invalid appsecret: it is frozen, unfreeze it on mp.weixin.qq.com",
        "invalid cert_name",
        "invalid cert_no",
        "invalid cert_serialno",
        "invalid cert_type",
        "invalid code",
        "invalid credential",
        "invalid credential, access_token is invalid or not latest",
        "invalid grant_type",
        "invalid identify_id",
        "invalid mch_id",
        "invalid openid",
        "invalid out_seq_no",
        "invalid sign",
        "invalid timestamp",
        "invalid url",
        "invalid user token",
        "missing cert_info",
        "missing cert_serialno",
        "missing code",
        "missing openid",
        "missing out_seq_no",
        "missing verify_id",
        "ok",
        "openid does not match",
        "out_seq_no already exists",
        "out_seq_no does not match",
        "reach max api daily quota limit",
        "require GET method",
        "require POST method",
        "system busy",
        "system error",
        "this ip is not in the whitelist, waiting for confirmation of the administrator",
        "this ip was refused by the administrator twice, try again in 24 hours",
        "this ip was refused by the administrator, try again in 1 hour",
        "user has no realname info",
        "user has not registered wechat pay",
        "verify_id expired",
    }
)
#: The address is the operator's own: it belongs into the whitelist.
_ADDRESS = re.compile(
    r"invalid ip [0-9.]{7,15}( ipv6 [0-9a-f:.]{2,45})?, not in whitelist", re.IGNORECASE
)

# Every repetition is bounded: a page of blanks must not take a minute.
_HINT = re.compile(r"hint: {0,9}\[ {0,9}(?=[0-9._-]{0,23}[A-Za-z])([0-9A-Za-z._-]{1,24}) {0,9}\]")
_RID = re.compile(r"rid: {0,9}([0-9a-f]{1,16}(?:-[0-9a-f]{1,16}){1,3})(?![0-9A-Za-z-])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD = re.compile(r"[^\s\"'<>\[\](){}=:&?,;*]{8,}")
_ID_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|[0-9]{15})(?![0-9])")


def reply(errcode: int, errmsg: Any, secrets: Iterable[Secret]) -> WeChatReply:
    """What may be kept of WeChat's words: a known text, and the reference that its support asks for.

    Of any other text only the length is kept.
    """
    text = _CONTROL.sub(" ", errmsg) if isinstance(errmsg, str) else ""
    cleaned = text
    for secret in secrets:
        if secret:
            cleaned = _without(secret.reveal(), cleaned)
    cleaned = _ID_NUMBER.sub("***", cleaned)
    found = _HINT.search(cleaned) or _RID.search(cleaned)
    said = _known(cleaned[: found.start()] if found else cleaned, len(text))
    words = f"{said} {found[0]}" if found else said
    return WeChatReply(errcode=errcode, errmsg=words.strip(), hint=found[1] if found else None)


def _known(text: str, length: int) -> str:
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
