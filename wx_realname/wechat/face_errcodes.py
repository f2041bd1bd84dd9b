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
_NO_OUT_SEQ_NO: Words = ("out_seq_no is missing", "缺少 out_seq_no", *_CHANGED)
_WRONG_OUT_SEQ_NO: Words = ("out_seq_no has a wrong form", "out_seq_no 格式错误", *_CHANGED)
_NO_CERT_INFO: Words = ("cert_info is missing", "缺少 cert_info", *_CHANGED)
_WRONG_CERT_TYPE: Words = ("cert_type is not valid", "cert_type 不合法", *_CHANGED)
_NO_OPENID: Words = ("the openid is missing", "缺少 openid", *_CHANGED)
_DUPLICATE: Words = (
    "out_seq_no exists already: an earlier answer was lost",
    "out_seq_no 已存在（此前的应答丢失）",
    "The next out_seq_no was tried at once; try again later.",
    "已自动更换 out_seq_no 重试，请稍后再试。",
)
_UNKNOWN: Words = (
    "the verify_id is not known",
    "verify_id 非法",
    "Check whether another appid began it; realname_doctor causes this with an invented one.",
    "请检查是否由其他 appid 发起；realname_doctor 以虚构的 verify_id 检测时也会出现。",
)
_OTHER_OPENID: Words = ("the openid differs from getverifyid's", "openid 与发起时不一致", *_DIFFERS)
_OTHER_HASH: Words = (
    "the cert_hash differs from getverifyid's",
    "cert_hash 与发起时不一致",
    *_DIFFERS,
)
_OTHER_NUMBER: Words = (
    "the out_seq_no differs from getverifyid's",
    "out_seq_no 与发起时不一致",
    *_DIFFERS,
)
_NO_VERIFY_ID: Words = ("verify_id is missing", "缺少 verify_id", *_CHANGED)
_EXPIRED: Words = (
    "the verify_id has expired (one hour)",
    "verify_id 已过期（有效期 1 小时）",
    "The citizen begins anew; realname_settle every five minutes asks before the hour is over.",
    "请用户重新发起核验；请每五分钟运行一次 realname_settle，以便在到期前取得结果。",
)

FACE_ERRCODES: tuple[ErrCode, ...] = (
    ErrCode("getverifyid", BAD_OPENID, "misconfigured", *_OPENID, who="developer"),
    ErrCode("getverifyid", NOT_GRANTED, "misconfigured", *_NOT_OPEN, who="operator"),
    ErrCode("getverifyid", 84010, "misconfigured", *_NO_OUT_SEQ_NO, who="developer"),
    ErrCode("getverifyid", 84011, "misconfigured", *_WRONG_OUT_SEQ_NO, who="developer"),
    ErrCode("getverifyid", 84012, "misconfigured", *_NO_CERT_INFO, who="developer"),
    ErrCode("getverifyid", 84013, "misconfigured", *_WRONG_CERT_TYPE, who="developer"),
    ErrCode("getverifyid", 84014, "mismatch", *_NAME, who="citizen"),
    ErrCode("getverifyid", 84015, "mismatch", *_NUMBER, who="citizen"),
    ErrCode("getverifyid", 84016, "misconfigured", *_NO_OPENID, who="developer"),
    ErrCode("getverifyid", DUPLICATE_OUT_SEQ_NO, "wechat_unreachable", *_DUPLICATE, who="wechat"),
    ErrCode("queryverifyinfo", BAD_OPENID, "misconfigured", *_OPENID, who="developer", ends=False),
    ErrCode(
        "queryverifyinfo", NOT_GRANTED, "misconfigured", *_NOT_OPEN, who="operator", ends=False
    ),
    ErrCode(
        "queryverifyinfo", 84010, "misconfigured", *_NO_OUT_SEQ_NO, who="developer", ends=False
    ),
    ErrCode("queryverifyinfo", 84014, "mismatch", *_NAME, who="citizen"),
    ErrCode("queryverifyinfo", 84015, "mismatch", *_NUMBER, who="citizen"),
    ErrCode("queryverifyinfo", 84016, "misconfigured", *_NO_OPENID, who="developer", ends=False),
    ErrCode(
        "queryverifyinfo", UNKNOWN_VERIFY_ID, "wechat_error", *_UNKNOWN, who="wechat", ends=False
    ),
    ErrCode("queryverifyinfo", 84017, "misconfigured", *_OTHER_OPENID, who="developer"),
    ErrCode("queryverifyinfo", 84018, "misconfigured", *_OTHER_HASH, who="developer"),
    ErrCode("queryverifyinfo", 84020, "misconfigured", *_OTHER_NUMBER, who="developer"),
    ErrCode("queryverifyinfo", 84021, "misconfigured", *_NO_VERIFY_ID, who="developer", ends=False),
    ErrCode("queryverifyinfo", 84022, "face_expired", *_EXPIRED, who="citizen"),
)
