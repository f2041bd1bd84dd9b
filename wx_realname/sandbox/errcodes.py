"""WeChat's return codes, and the JSON of a refusal, worded as the live service words it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from types import MappingProxyType

# A new one goes to the end: its place here is part of a citizen's number (`faults.table`).
TEXTS: Mapping[int, str] = MappingProxyType(
    {
        -1: "system error",
        1005: "invalid appid",
        40001: "invalid credential, access_token is invalid or not latest",
        40002: "invalid grant_type",
        40013: "invalid appid",
        40014: "invalid access_token",
        40029: "invalid code",
        40066: "invalid url",
        40125: "invalid appsecret",
        40163: "code been used",
        40164: "invalid ip 198.51.100.7 ipv6 ::ffff:198.51.100.7, not in whitelist",
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
        40003: "invalid openid",
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
    }
)

_HINT_ALPHABET = string.ascii_letters + string.digits


class Refused(Exception):
    """WeChat's refusal; `errcode` is one of `TEXTS`. It contains nothing of the request."""

    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


def refusal(errcode: int, now: float) -> dict[str, object]:
    """The JSON of a refusal; `now` in Unix seconds goes into the reference, as in the live one."""
    return {"errcode": errcode, "errmsg": f"{TEXTS[errcode]} {reference(errcode, now)}"}


def reference(errcode: int, now: float) -> str:
    """The reference for WeChat's support: `hint: [...]` of the real-name interface, else `rid: ...`."""
    if 94001 <= errcode <= 94010:
        letters = "".join(secrets.choice(_HINT_ALPHABET) for _ in range(6))
        return f"hint: [{letters}{int(now) % 10**8:08d}]"
    return f"rid: {int(now):x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
