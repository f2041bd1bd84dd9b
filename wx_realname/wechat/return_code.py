"""The type of a return code, and texts that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Call = Literal["token", "api", "login", "check", "getverifyid", "queryverifyinfo"]
Who = Literal["citizen", "operator", "developer", "wechat"]
Words = tuple[str, str, str, str]  # meaning in English and Chinese, remedy in English and Chinese


@dataclass(frozen=True)
class ErrCode:
    """One return code of one kind of call, and its error code in this package."""

    call: Call
    errcode: int
    code: str
    meaning_en: str
    meaning_zh: str
    remedy_en: str
    remedy_zh: str
    who: Who
    ends: bool = True  # False: the record stays as it is, and WeChat can be asked again


IS_BUSY: Words = (
    "WeChat is busy",
    "系统繁忙",
    "Tried three times; try again later.",
    "已重试三次，请稍后再试。",
)
DAY_QUOTA: Words = (
    "the day's quota is used up",
    "当日调用次数已达上限",
    "Wait for midnight (Beijing), or ask WeChat for a larger quota.",
    "请等待次日零点（北京时间）恢复，或向微信申请提高额度。",
)
MINUTE_QUOTA: Words = (
    "too many calls in this minute",
    "每分钟调用次数已达上限",
    "Wait a minute; look for several processes without a shared cache.",
    "请一分钟后再试；检查是否有多个进程未共用缓存。",
)
WRONG_CODE: Words = (
    "the code is not valid",
    "code 无效或已失效",
    "Let the citizen go through WeChat's city service again, which gives a new code.",
    "请用户重新进入城市服务授权，以获取新的 code。",
)
WRONG_APPID: Words = (
    "the appid is not valid",
    "不合法的 appid",
    "Compare APP_ID with the mini-program's console.",
    "请与小程序后台核对 APP_ID。",
)
WRONG_SECRET: Words = (
    "the app secret is not valid",
    "不合法的 AppSecret",
    "Compare APP_SECRET; if it is lost, reset it in the mini-program's console, for all who use it.",
    "请核对 APP_SECRET；如已遗失，请在小程序后台重置并同步更新。",
)
DEAD_TOKEN: Words = (
    "the access_token is not valid, even a fresh one",
    "access_token 无效（重新获取后仍无效）",
    "Check whether another system fetches tokens for this appid, or APP_ID belongs to another app.",
    "检查是否有其他系统在刷新同一 appid 的 access_token，以及 APP_ID 是否属于其他小程序。",
)
CHANGED_ON_THE_WAY = (
    "Something between this server and WeChat changes the request.",
    "请检查请求是否被代理服务器或网关修改。",
)
APPLY_FOR_FACES = (
    "The mini-program's administrator applies in its console: industry capabilities, face verification.",
    "请小程序管理员登录小程序后台，在“行业能力 → 人脸核身”中申请开通。",
)
ADMIN_REFUSED: Words = (
    "the administrator refused this IP address",
    "管理员已拒绝该 IP 的调用",
    "Ask the mini-program's administrator; the block ends after some hours.",
    "请联系小程序管理员，待限制解除后再试。",
)
ADMIN_WAITS: Words = (
    "this call waits for the administrator's consent",
    "此次调用需要管理员确认",
    "The mini-program's administrator confirms it in WeChat.",
    "请小程序管理员在微信中确认。",
)
NOT_WHITELISTED: Words = (
    "the server's IP address is not in the whitelist",
    "调用接口的 IP 地址不在白名单中",
    "Add the address that errmsg names to the IP whitelist in the mini-program's console.",
    "请将 errmsg 中的 IP 加入小程序后台的 IP 白名单。",
)
NEEDS_POST: Words = ("the call needs POST", "需要 POST 请求", *CHANGED_ON_THE_WAY)
NO_TOKEN: Words = ("the access_token is missing", "缺少 access_token 参数", *CHANGED_ON_THE_WAY)
