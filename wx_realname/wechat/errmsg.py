"""WeChat's errmsg is free text, which may echo what it was sent: what may be kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

from ..exceptions import WeChatReply
from ..personal_data import Secret

MAX_ERRMSG = 400  # characters

# Every repetition is bounded: a page of blanks must not take a minute.
_HINT = re.compile(r"hint: {0,9}\[([^\]]{1,100})\]|rid: {0,9}([0-9A-Za-z-]{1,100})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD = re.compile(r"[^\s\"'<>\[\](){}=:&?,;*]{8,}")
_ID_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|[0-9]{15})(?![0-9])")


def reply(errcode: int, errmsg: Any, secrets: Iterable[Secret]) -> WeChatReply:
    """What may be kept of WeChat's words: without the call's secrets, whatever it echoes, and short."""
    text = _CONTROL.sub(" ", errmsg) if isinstance(errmsg, str) else ""
    for secret in secrets:
        if secret:
            text = _without(secret.reveal(), text)
    text = _ID_NUMBER.sub("***", text)
    found = _HINT.search(text)  # before the cut: the rid comes last
    hint = (found.group(1) or found.group(2)).strip() if found else None
    return WeChatReply(errcode=errcode, errmsg=text[:MAX_ERRMSG], hint=hint or None)


def _without(secret: str, text: str) -> str:
    """The text without the secret, also where it was percent-encoded for a URL, or cut."""
    for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
        text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
        text = _WORD.sub(partial(_unless_part_of, form), text)
    return text


def _unless_part_of(secret: str, word: re.Match[str]) -> str:
    return "***" if word[0].strip(".…") in secret else word[0]
