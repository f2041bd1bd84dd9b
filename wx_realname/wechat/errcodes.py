"""WeChat's return codes: what each means, what to do, and who can. One table for code, tests and docs.

Sources: the interface document §4.3 (940xx), the access token's page (400xx, 41xxx, 43xxx, 895xx),
the login's page (40029, 40163, 40226).
"""

from __future__ import annotations

from .face_errcodes import FACE_ERRCODES
from .return_code import (
    ADMIN_REFUSED,
    ADMIN_WAITS,
    CHANGED_ON_THE_WAY,
    DAY_QUOTA,
    DEAD_TOKEN,
    IS_BUSY,
    MINUTE_QUOTA,
    NEEDS_POST,
    NO_TOKEN,
    NOT_WHITELISTED,
    WRONG_APPID,
    WRONG_CODE,
    WRONG_SECRET,
    Call,
    ErrCode,
    Who,
    Words,
)

__all__ = ["ERRCODES", "Call", "ErrCode", "Who", "Words", "code_for", "ends_a_query", "find"]

BUSY = -1
DEAD_ACCESS_TOKEN = frozenset({40001, 40014, 42001})
INVALID_AUTH_TOKEN = 94005
#: Codes with the same meaning on every call that carries an access_token.
OF_EVERY_CALL = DEAD_ACCESS_TOKEN | {BUSY, 40013, 40164, 41001, 43002, 45009, 45011, 61007}

_NO_SERIALNO: Words = (
    "cert_serialno is missing",
    "缺少 cert_serialno 参数",
    "Set CERTIFICATE, CERTIFICATE_FILE or CERT_SERIALNO.",
    "请设置 CERTIFICATE、CERTIFICATE_FILE 或 CERT_SERIALNO。",
)
_NO_WECHAT_PAY: Words = (
    "the user has no WeChat Pay",
    "用户未注册微信支付",
    "Offer another way to prove the real name.",
    "请引导用户先开通微信支付，或使用其他实名方式。",
)
_WRONG_SIGNATURE: Words = (
    "the signature is wrong",
    "签名不正确",
    "Check that the private key belongs to the certificate, and to this merchant.",
    "请检查私钥与证书是否匹配、是否属于该商户号。",
)
_NO_REAL_NAME: Words = (
    "the user has no real-name information",
    "用户无实名信息",
    "The citizen proves the name in WeChat Pay first; other documents than the ID card aren't offered.",
    "请用户先在微信支付中完成实名认证；居民身份证以外的证件暂不提供授权。",
)
_WRONG_AUTH_TOKEN: Words = (
    "the auth_token is not valid",
    "非法的用户 token",
    "The citizen taps the button again; a token is valid once.",
    "请用户重新点击授权按钮；每个授权凭证请只使用一次。",
)
_NOT_AUTHORISED: Words = (
    "the appid is not authorized for real names",
    "appid 未授权获得实名信息",
    "Check that WeChat approved this appid; without approval, use the successor, checkrealnameinfo.",
    "请确认该 appid 已获批准；未获批准的，可改用实名信息校验接口。",
)
_NOT_BOUND: Words = (
    "the appid and the merchant number are not bound",
    "appid 与 mchid 无绑定关系",
    "Bind them in the merchant platform, under AppID management.",
    "请在微信支付商户平台“产品中心-AppID账号管理”中关联。",
)
_WRONG_TIMESTAMP: Words = (
    "the timestamp is not valid",
    "非法 timestamp 参数",
    "Synchronize the server's clock (NTP).",
    "请校准服务器时钟（NTP）；timestamp 须为整数秒。",
)
_WRONG_SERIALNO: Words = (
    "the cert_serialno is not valid",
    "非法 cert_serialno 参数，该参数长度为 40",
    "Compare it with the merchant platform, under API security: 40 upper-case hex digits.",
    "请与商户平台“API安全”中的证书序列号核对（40 位大写十六进制字符）。",
)
_WRONG_MCH_ID: Words = (
    "the merchant number is not valid",
    "非法商户号",
    "Compare MCH_ID with the merchant platform.",
    "请与商户平台核对 MCH_ID。",
)
_NOT_OPEN: Words = (
    "the interface is not open to this appid",
    "接口功能未授权",
    "Check the console: settings, interface settings, the card “实名授权”.",
    "请在小程序后台“设置-接口设置”中确认已开通“实名授权”，并确认 access_token 属于该小程序。",
)
_NOT_GRANTED_TO_PLATFORM: Words = (
    "the interface was not granted to the third-party platform",
    "该接口未授权给第三方平台",
    "Grant it to the platform, or use the mini-program's own credentials.",
    "请将该接口权限授予第三方平台，或使用小程序自身的凭证。",
)
_WRONG_GRANT_TYPE: Words = ("the grant_type is not valid", "不合法的凭证类型", *CHANGED_ON_THE_WAY)
_FROZEN_SECRET: Words = (
    "the app secret is frozen",
    "AppSecret 已被冻结",
    "Unfreeze it in the mini-program's console.",
    "请在小程序后台解冻 AppSecret。",
)
_NO_APPID: Words = ("the appid is missing", "缺少 appid 参数", *CHANGED_ON_THE_WAY)
_NO_SECRET: Words = ("the app secret is missing", "缺少 secret 参数", *CHANGED_ON_THE_WAY)
_WRONG_LOGIN_CODE: Words = (
    "the login code is not valid",
    "code 无效",
    "Call wx.login again.",
    "请重新调用 wx.login。",
)
_USED_LOGIN_CODE: Words = (
    "the login code was used before",
    "code 已被使用",
    "Call wx.login again.",
    "请重新调用 wx.login。",
)
_BLOCKED_USER: Words = (
    "WeChat blocks this user",
    "微信限制了该用户登录",
    "Nothing can be done: WeChat decides.",
    "由微信风控决定，无法处理。",
)
_MAY_NOT_CHECK: Words = (
    "the appid may not check real names",
    "非法 appid",
    "Check that WeChat granted this appid the real-name check.",
    "请确认该 appid 已开通实名信息校验接口。",
)
_CODE_IN_USE: Words = (
    "the code is being checked at this moment",
    "code 正在被并发使用",
    "Try again in a moment; the mini-program should post a code once.",
    "请稍后再试；小程序应避免重复提交同一 code。",
)

ERRCODES: tuple[ErrCode, ...] = (
    ErrCode("api", BUSY, "wechat_busy", *IS_BUSY, who="wechat"),
    ErrCode("api", 94001, "misconfigured", *_NO_SERIALNO, who="operator"),
    ErrCode("api", 94002, "no_wechat_pay", *_NO_WECHAT_PAY, who="citizen"),
    ErrCode("api", 94003, "misconfigured", *_WRONG_SIGNATURE, who="operator"),
    ErrCode("api", 94004, "no_real_name", *_NO_REAL_NAME, who="citizen"),
    ErrCode("api", INVALID_AUTH_TOKEN, "invalid_auth_token", *_WRONG_AUTH_TOKEN, who="citizen"),
    ErrCode("api", 94006, "misconfigured", *_NOT_AUTHORISED, who="operator"),
    ErrCode("api", 94007, "misconfigured", *_NOT_BOUND, who="operator"),
    ErrCode("api", 94008, "misconfigured", *_WRONG_TIMESTAMP, who="operator"),
    ErrCode("api", 94009, "misconfigured", *_WRONG_SERIALNO, who="operator"),
    ErrCode("api", 94010, "misconfigured", *_WRONG_MCH_ID, who="operator"),
    ErrCode("api", 40001, "misconfigured", *DEAD_TOKEN, who="operator"),
    ErrCode("api", 40014, "misconfigured", *DEAD_TOKEN, who="operator"),
    ErrCode("api", 42001, "misconfigured", *DEAD_TOKEN, who="operator"),
    ErrCode("api", 48001, "misconfigured", *_NOT_OPEN, who="operator"),
    ErrCode("api", 61007, "misconfigured", *_NOT_GRANTED_TO_PLATFORM, who="operator"),
    ErrCode("api", 40013, "misconfigured", *WRONG_APPID, who="operator"),
    ErrCode("api", 40164, "misconfigured", *NOT_WHITELISTED, who="operator"),
    ErrCode("api", 41001, "misconfigured", *NO_TOKEN, who="developer"),
    ErrCode("api", 43002, "misconfigured", *NEEDS_POST, who="developer"),
    ErrCode("api", 45009, "quota_exhausted", *DAY_QUOTA, who="operator"),
    ErrCode("api", 45011, "quota_exhausted", *MINUTE_QUOTA, who="developer"),
    ErrCode("token", BUSY, "wechat_busy", *IS_BUSY, who="wechat"),
    ErrCode("token", 40001, "misconfigured", *WRONG_SECRET, who="operator"),
    ErrCode("token", 40002, "misconfigured", *_WRONG_GRANT_TYPE, who="developer"),
    ErrCode("token", 40013, "misconfigured", *WRONG_APPID, who="operator"),
    ErrCode("token", 40125, "misconfigured", *WRONG_SECRET, who="operator"),
    ErrCode("token", 40164, "misconfigured", *NOT_WHITELISTED, who="operator"),
    ErrCode("token", 40243, "misconfigured", *_FROZEN_SECRET, who="operator"),
    ErrCode("token", 41001, "misconfigured", *NO_TOKEN, who="developer"),
    ErrCode("token", 41002, "misconfigured", *_NO_APPID, who="developer"),
    ErrCode("token", 41004, "misconfigured", *_NO_SECRET, who="developer"),
    ErrCode("token", 43002, "misconfigured", *NEEDS_POST, who="developer"),
    ErrCode("token", 45009, "quota_exhausted", *DAY_QUOTA, who="operator"),
    ErrCode("token", 45011, "quota_exhausted", *MINUTE_QUOTA, who="developer"),
    ErrCode("token", 89503, "misconfigured", *ADMIN_WAITS, who="operator"),
    ErrCode("token", 89506, "misconfigured", *ADMIN_REFUSED, who="operator"),
    ErrCode("token", 89507, "misconfigured", *ADMIN_REFUSED, who="operator"),
    ErrCode("login", BUSY, "wechat_busy", *IS_BUSY, who="wechat"),
    ErrCode("login", 40013, "misconfigured", *WRONG_APPID, who="operator"),
    ErrCode("login", 40164, "misconfigured", *NOT_WHITELISTED, who="operator"),
    ErrCode("login", 41001, "misconfigured", *NO_TOKEN, who="developer"),
    ErrCode("login", 43002, "misconfigured", *NEEDS_POST, who="developer"),
    ErrCode("login", 40125, "misconfigured", *WRONG_SECRET, who="operator"),
    ErrCode("login", 40029, "invalid_code", *_WRONG_LOGIN_CODE, who="citizen"),
    ErrCode("login", 40163, "invalid_code", *_USED_LOGIN_CODE, who="citizen"),
    ErrCode("login", 40226, "permission_denied", *_BLOCKED_USER, who="wechat"),
    ErrCode("login", 45009, "quota_exhausted", *DAY_QUOTA, who="operator"),
    ErrCode("login", 45011, "quota_exhausted", *MINUTE_QUOTA, who="developer"),
    # and every code of "api"
    ErrCode("check", 1005, "misconfigured", *_MAY_NOT_CHECK, who="operator"),
    ErrCode("check", 80111, "invalid_code", *WRONG_CODE, who="citizen"),
    ErrCode("check", 80112, "wechat_busy", *_CODE_IN_USE, who="developer"),
    ErrCode("check", 80113, "invalid_code", *WRONG_CODE, who="citizen"),
    *FACE_ERRCODES,
)

_TABLE = {(row.call, row.errcode): row for row in ERRCODES}


def find(call: Call, errcode: int) -> ErrCode | None:
    """The table's row, or None for a code that WeChat doesn't document for that call."""
    row = _TABLE.get((call, errcode))
    if row is None and (call == "check" or (_is_face(call) and errcode in OF_EVERY_CALL)):
        return _TABLE.get(("api", errcode))
    return row


def code_for(call: Call, errcode: int) -> str:
    """The error code of this package for a return code."""
    row = find(call, errcode)
    return row.code if row else "wechat_error"


def ends_a_query(errcode: int) -> bool:
    """Whether that return code of queryverifyinfo ends the record; others leave it waiting."""
    row = _TABLE.get(("queryverifyinfo", errcode))
    return row is not None and row.ends


def _is_face(call: Call) -> bool:
    return call in ("getverifyid", "queryverifyinfo")
