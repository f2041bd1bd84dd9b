"""The return codes of face verification 2.0: of getverifyid and queryverifyinfo.

Sources: WeChat's pages `API/face/api_getverifyid` and `api_queryverifyinfo`. A return code of a query ends
the record only if no later query can have another result.
"""

from __future__ import annotations

from .return_code import APPLY_FOR_FACES, ErrCode, Words

BAD_OPENID = 40003
NOT_GRANTED = 48001
UNKNOWN_VERIFY_ID = 84001  # the phone's "非法 identify_id"; of a query not documented
DUPLICATE_OUT_SEQ_NO = 84019

_OPENID: Words = (
    "the openid is not this appid's",
    "openid 无效",
    "Let OPENID_RESOLVER return the openid of this mini-program, not that of another appid.",
    "请确认 OPENID_RESOLVER 返回的是该小程序（appid）下的 openid。",
)
_NOT_OPEN: Words = (
    "face verification is not open to this appid",
    "该 appid 未开通人脸核身能力",
    *APPLY_FOR_FACES,
)
_CHANGED = (
    "Update this package: WeChat's interface may have changed, or a proxy changes the request.",
    "请升级本组件：微信接口可能已变更，或请求被代理服务器、网关修改。",
)
_NAME: Words = (
    "the name is not accepted",
    "证件姓名不合法",
    "The citizen checks that the name is as on the resident ID card.",
    "请用户核对姓名，须与居民身份证一致。",
)
_NUMBER: Words = (
    "the ID number is not accepted",
    "证件号码不合法",
    "The citizen checks that the number is that of a mainland resident ID card.",
    "请用户核对身份证号码，仅支持中国大陆居民身份证。",
)
_DIFFERS = (
    "The query differs from the begin: the stored record was changed, or the package has a bug. "
    "The citizen begins anew.",
    "查询与发起时的参数不一致：存储的记录被改动，或本组件存在缺陷。请用户重新发起核验。",
)


def _ours(call: str, errcode: int, en: str, zh: str, *, ends: bool = True) -> ErrCode:
    who = "developer"
    return ErrCode(call, errcode, "misconfigured", en, zh, *_CHANGED, who=who, ends=ends)  # type: ignore[arg-type]


FACE_ERRCODES: tuple[ErrCode, ...] = (
    ErrCode("getverifyid", BAD_OPENID, "misconfigured", *_OPENID, who="developer"),
    ErrCode("getverifyid", NOT_GRANTED, "misconfigured", *_NOT_OPEN, who="operator"),
    _ours("getverifyid", 84010, "out_seq_no is missing", "缺少 out_seq_no"),
    _ours("getverifyid", 84011, "out_seq_no has a wrong form", "out_seq_no 格式错误"),
    _ours("getverifyid", 84012, "cert_info is missing", "缺少 cert_info"),
    _ours("getverifyid", 84013, "cert_type is not valid", "cert_type 不合法"),
    ErrCode("getverifyid", 84014, "mismatch", *_NAME, who="citizen"),
    ErrCode("getverifyid", 84015, "mismatch", *_NUMBER, who="citizen"),
    _ours("getverifyid", 84016, "the openid is missing", "缺少 openid"),
    ErrCode(
        "getverifyid",
        DUPLICATE_OUT_SEQ_NO,
        "wechat_unreachable",
        "out_seq_no exists already: an earlier answer was lost",
        "out_seq_no 已存在（此前的应答丢失）",
        "The next out_seq_no was tried at once; try again later.",
        "已自动更换 out_seq_no 重试，请稍后再试。",
        who="wechat",
    ),
    ErrCode("queryverifyinfo", BAD_OPENID, "misconfigured", *_OPENID, who="developer", ends=False),
    ErrCode(
        "queryverifyinfo", NOT_GRANTED, "misconfigured", *_NOT_OPEN, who="operator", ends=False
    ),
    _ours("queryverifyinfo", 84010, "out_seq_no is missing", "缺少 out_seq_no", ends=False),
    ErrCode("queryverifyinfo", 84014, "mismatch", *_NAME, who="citizen"),
    ErrCode("queryverifyinfo", 84015, "mismatch", *_NUMBER, who="citizen"),
    _ours("queryverifyinfo", 84016, "the openid is missing", "缺少 openid", ends=False),
    ErrCode(
        "queryverifyinfo",
        UNKNOWN_VERIFY_ID,
        "wechat_error",
        "the verify_id is not known",
        "verify_id 非法",
        "Check whether another appid began it; realname_doctor causes this with an invented one.",
        "请检查是否由其他 appid 发起；realname_doctor 以虚构的 verify_id 检测时也会出现。",
        who="wechat",
        ends=False,
    ),
    ErrCode(
        "queryverifyinfo",
        84017,
        "misconfigured",
        "the openid differs from getverifyid's",
        "openid 与发起时不一致",
        *_DIFFERS,
        who="developer",
    ),
    ErrCode(
        "queryverifyinfo",
        84018,
        "misconfigured",
        "the cert_hash differs from getverifyid's",
        "cert_hash 与发起时不一致",
        *_DIFFERS,
        who="developer",
    ),
    ErrCode(
        "queryverifyinfo",
        84020,
        "misconfigured",
        "the out_seq_no differs from getverifyid's",
        "out_seq_no 与发起时不一致",
        *_DIFFERS,
        who="developer",
    ),
    _ours("queryverifyinfo", 84021, "verify_id is missing", "缺少 verify_id", ends=False),
    ErrCode(
        "queryverifyinfo",
        84022,
        "face_expired",
        "the verify_id has expired (one hour)",
        "verify_id 已过期（有效期 1 小时）",
        "The citizen begins anew; realname_settle every five minutes asks before the hour is over.",
        "请用户重新发起核验；请每五分钟运行一次 realname_settle，以便在到期前取得结果。",
        who="citizen",
    ),
)
