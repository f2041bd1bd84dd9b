"""The verdicts of a face verification: meaning, remedy and the record's status for each verify_ret.

Source: WeChat's page `API/face/api_queryverifyinfo`. One table for code, tests, docs and console.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..exceptions import BY_CODE, RealNameError
from .return_code import APPLY_FOR_FACES, Who

Becomes = Literal["verified", "rejected", "failed", "unknown", "waiting"]
Remedy = tuple[str, str]  # in English and Chinese

PASSED = 10000
NO_PERMISSION = 10006


@dataclass(frozen=True)
class Verdict:
    """One verify_ret; `code` is empty for the one that means passed."""

    verify_ret: int
    code: str
    becomes: Becomes
    meaning_en: str
    meaning_zh: str
    remedy_en: str
    remedy_zh: str
    who: Who

    def error(self) -> RealNameError | None:
        """The error that the verdict is; None for passed."""
        return BY_CODE[self.code]() if self.code else None


_NOTHING: Remedy = ("Nothing to do.", "无需处理。")
_LOOK_AT_BOTH: Remedy = (
    "The citizen checks name and number and begins anew.",
    "请用户核对姓名和身份证号码后重新发起。",
)
_OTHER_WAY: Remedy = (
    "Offer another way to prove the real name, for example at a counter.",
    "请提供其他实名方式（如窗口办理）。",
)
_GOOD_LIGHT: Remedy = (
    "The citizen begins anew, in good light and with the whole face in view.",
    "请用户在光线充足处、露出完整面部后重新发起。",
)
_ANEW: Remedy = ("The citizen begins anew.", "请用户重新发起核验。")
_LATER: Remedy = ("Ask again in a moment.", "请稍后再次查询。")
_ALLOW: Remedy = (
    "The citizen allows WeChat the camera and microphone in the phone's settings, or takes another way.",
    "请用户在手机系统设置中允许微信使用相机和麦克风，或改用其他方式。",
)
_UPDATE: Remedy = (
    "Update this package: WeChat's interface may have changed; report the record's time to WeChat's support.",
    "请升级本组件：微信接口可能已变更；必要时将记录时间提供给微信支持人员。",
)
_BEGIN_LATER: Remedy = ("The citizen begins anew, a little later.", "请用户稍后重新发起核验。")
_LOOK: Remedy = (
    "It says nothing about the citizen, and counts as no pass; the citizen begins anew.",
    "该结果不能说明核验是否通过，按未通过处理；请用户重新发起。",
)


class _Kind(NamedTuple):
    """What verdicts that are treated alike have in common."""

    code: str
    becomes: Becomes
    who: Who
    remedy: Remedy


_PASSED = _Kind("", "verified", "citizen", _NOTHING)
_MISMATCH = _Kind("mismatch", "rejected", "citizen", _LOOK_AT_BOTH)
_NO_REAL_NAME = _Kind("no_real_name", "rejected", "citizen", _OTHER_WAY)
_UNCLEAR = _Kind("face_unclear", "failed", "citizen", _GOOD_LIGHT)
_TIMED_OUT = _Kind("face_unclear", "failed", "citizen", _ANEW)
_CANCELLED = _Kind("face_cancelled", "failed", "citizen", _ANEW)
_UNSUPPORTED = _Kind("face_unsupported", "failed", "citizen", _OTHER_WAY)
_NOT_ALLOWED = _Kind("face_unsupported", "failed", "citizen", _ALLOW)
_NOT_FINISHED = _Kind("face_not_finished", "waiting", "citizen", _LATER)
_NOT_GRANTED = _Kind("misconfigured", "failed", "operator", APPLY_FOR_FACES)
_OUR_FAULT = _Kind("misconfigured", "failed", "developer", _UPDATE)
_TRY_LATER = _Kind("wechat_busy", "failed", "citizen", _BEGIN_LATER)
_FAULT_OF_WECHAT = _Kind("wechat_busy", "failed", "wechat", _BEGIN_LATER)
_UNDECIDED = _Kind("wechat_error", "unknown", "wechat", _LOOK)


def _verdict(verify_ret: int, kind: _Kind, meaning_en: str, meaning_zh: str) -> Verdict:
    code, becomes, who, remedy = kind
    return Verdict(verify_ret, code, becomes, meaning_en, meaning_zh, *remedy, who=who)


VERDICTS = tuple(
    _verdict(*row)
    for row in (
        (PASSED, _PASSED, "passed", "核验通过"),
        (10003, _MISMATCH, "the ID number doesn't match the name", "身份证号码与姓名不匹配"),
        (10004, _MISMATCH, "the face doesn't match", "人脸比对不一致"),
        (10012, _MISMATCH, "the comparison failed", "比对未通过"),
        (10018, _NO_REAL_NAME, "no such user information", "查无此用户信息"),
        (10026, _NO_REAL_NAME, "not in the authoritative source", "权威数据源中无此人信息"),
        (10041, _NO_REAL_NAME, "an illegal user", "非法用户"),
        (10002, _UNCLEAR, "no features of a face were found", "未检测到人脸特征"),
        (10010, _UNCLEAR, "the picture is too poor", "图像质量过低"),
        (90011, _UNCLEAR, "the data of the face are invalid", "人脸数据无效"),
        (90013, _UNCLEAR, "the data of the face are invalid", "人脸数据无效"),
        (90014, _UNCLEAR, "the data of the face are invalid", "人脸数据无效"),
        (10020, _TIMED_OUT, "a time-out of WeChat's server", "微信服务端超时"),
        (10029, _TIMED_OUT, "a time-out of WeChat's server", "微信服务端超时"),
        (10052, _TIMED_OUT, "a time-out of WeChat's server", "微信服务端超时"),
        (90017, _TIMED_OUT, "a time-out of the phone", "手机端超时"),
        (90107, _TIMED_OUT, "a time-out of the phone", "手机端超时"),
        (90002, _CANCELLED, "the citizen cancelled", "用户取消"),
        (90003, _CANCELLED, "the citizen cancelled", "用户取消"),
        (90004, _CANCELLED, "the citizen cancelled", "用户取消"),
        (90005, _CANCELLED, "the citizen cancelled", "用户取消"),
        (90006, _CANCELLED, "the citizen cancelled", "用户取消"),
        (90001, _UNSUPPORTED, "the device can't verify a face", "设备不支持人脸核身"),
        (90106, _UNSUPPORTED, "the camera failed", "摄像头异常"),
        (90109, _UNSUPPORTED, "the device can't verify a face", "设备不支持人脸核身"),
        (90008, _NOT_ALLOWED, "no permission for the camera", "未授予相机权限"),
        (90009, _NOT_ALLOWED, "no permission for the microphone", "未授予麦克风权限"),
        (90010, _NOT_ALLOWED, "no permission for camera and microphone", "未授予相机和麦克风权限"),
        (10005, _NOT_FINISHED, "still being checked", "核验中"),
        (10300, _NOT_FINISHED, "not finished", "未完成核验"),
        (NO_PERMISSION, _NOT_GRANTED, "the appid has no permission", "该 appid 无人脸核身权限"),
        (10001, _OUR_FAULT, "wrong parameters", "参数错误"),
        (10017, _OUR_FAULT, "an illegal id", "非法 id"),
        (10040, _OUR_FAULT, "not UTF-8", "编码不是 UTF-8"),
        (10042, _TRY_LATER, "too often", "操作过于频繁"),
        (90007, _TRY_LATER, "the phone's network failed", "手机网络异常"),
        (90012, _TRY_LATER, "the upload failed", "上传失败"),
        (10007, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10008, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10013, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10014, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10015, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10016, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (10045, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (90018, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (90104, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (90105, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (90110, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (90199, _FAULT_OF_WECHAT, "a fault of WeChat's own", "微信内部错误"),
        (
            10021,
            _UNDECIDED,
            "a repeated request: the last result, which isn't named",
            "重复请求，返回上次结果（未说明是何结果）",
        ),
    )
)

_TABLE = {verdict.verify_ret: verdict for verdict in VERDICTS}


def verdict_of(verify_ret: Any) -> Verdict | None:
    """The verdict; None for a value that isn't a JSON integer. An undocumented one is no pass."""
    if type(verify_ret) is not int:  # True equals 1, and 10000.0 equals 10000
        return None
    undocumented = (verify_ret, _UNDECIDED, "not documented", "微信未公布的结果")
    return _TABLE.get(verify_ret) or _verdict(*undocumented)
