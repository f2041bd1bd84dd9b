"""WeChat's return codes, and the JSON of a refusal, worded as the live service words it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[int, str] = MappingProxyType(
    {
        -1: "system error",
        40001: "invalid credential, access_token is invalid or not latest",
        40002: "invalid grant_type",
        40013: "invalid appid",
        40029: "invalid code",
        40066: "invalid url",
        40125: "invalid appsecret",
        40163: "code been used",
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

_HINT_ALPHABET = string.ascii_letters + string.digits


class Refused(Exception):
    """WeChat says no; `errcode` is one of `TEXTS`. It never carries what was asked."""

    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


def refusal(errcode: int, now: float) -> dict[str, object]:
    """The JSON of a refusal; `now` in Unix seconds goes into the reference, as in the live one."""
    return {"errcode": errcode, "errmsg": f"{TEXTS[errcode]} {_reference(errcode, now)}"}


def _reference(errcode: int, now: float) -> str:
    """What WeChat's support asks for: `hint: [...]` of the real-name interface, `rid: ...` else."""
    if 94001 <= errcode <= 94010:
        letters = "".join(secrets.choice(_HINT_ALPHABET) for _ in range(6))
        return f"hint: [{letters}{int(now) % 10**8:08d}]"
    return f"rid: {int(now):x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
