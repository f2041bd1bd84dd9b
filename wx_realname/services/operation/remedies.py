"""What an error code means and what to do about it, in the request's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ... import conf
from ...exceptions import BY_CODE
from ...models import Verification
from ...wechat.errcodes import ERRCODES, Call, ErrCode, find
from ...wechat.verdicts import VERDICTS, Verdict

_OF_FACES: tuple[Call, ...] = ("getverifyid", "queryverifyinfo")
#: The calls whose return codes a record of that method may keep.
CALLS: Mapping[str, tuple[Call, ...]] = {
    Verification.Method.AUTHORIZE.value: ("token", "api"),
    Verification.Method.FACE.value: ("token", *_OF_FACES),
    Verification.Method.CHECK.value: ("token", "check"),
}
#: Where WeChat gave no return code.
_REMEDIES = {
    "misconfigured": _("A merchant's key can't be used: run manage.py check."),
    "wechat_unreachable": _(
        "Check this server's connection to WeChat: DNS, proxy, firewall, and the access_token."
    ),
    "outcome_unknown": _(
        "The citizen authorizes again. If it happens often, check the network and READ_TIMEOUT."
    ),
    "unreadable_answer": _(
        "Check whether the private key belongs to the certificate at WeChat Pay."
    ),
}


class Words(NamedTuple):
    """The meaning of a code, and who must do what."""

    meaning: str
    remedy: str


def words(code: str, errcode: int | None, *calls: Call) -> Words:
    """The remedy of an error code, and of WeChat's return code or verify_ret behind it.

    The texts of the calls are joined: each has its own remedy. Without `calls`: of every call that this
    site can make.
    """
    if found := list(map(words_of, _rows(code, errcode, calls))):
        meanings, todo = zip(*found, strict=True)
        return Words(_join(meanings, "；" if _is_chinese() else "; "), _join(todo, " "))
    known = BY_CODE.get(code)
    return Words(str(known.words) if known else "", str(_REMEDIES.get(code, "")))


def words_of(row: ErrCode | Verdict) -> Words:
    """Of one row of WeChat's tables."""
    if _is_chinese():
        return Words(row.meaning_zh, row.remedy_zh)
    return Words(row.meaning_en, row.remedy_en)


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def who(code: str, errcode: int | None) -> set[str]:
    """Who can act: “citizen”, “operator”, “developer”, “wechat”; empty where WeChat gave no code."""
    return {row.who for row in _rows(code, errcode, ())}


def _rows(code: str, errcode: int | None, calls: tuple[Call, ...]) -> list[ErrCode | Verdict]:
    if calls and errcode is not None:
        known = [row for call in calls if (row := find(call, errcode))]
    else:
        known = _rows_of_all(errcode)
    found: list[ErrCode | Verdict] = [row for row in known if row.code == code]
    return found or [row for row in VERDICTS if (row.code, row.verify_ret) == (code, errcode)]


def _rows_of_all(errcode: int | None) -> list[ErrCode]:
    """Where no merchant has the button, only those of faces, if there are any."""
    known = [row for row in ERRCODES if row.errcode == errcode]
    if conf.is_set() and not conf.current().has_button:
        known = [row for row in known if row.call in _OF_FACES] or known
    return known


def _join(texts: Iterable[str], between: str) -> str:
    return between.join(dict.fromkeys(texts))
