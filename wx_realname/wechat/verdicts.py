"""The verdicts of a face verification: meaning, remedy and the record's status for each verify_ret.

Source: WeChat's page `API/face/api_queryverifyinfo`. One table for code, tests, docs and console.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..exceptions import BY_CODE, RealNameError
from .return_code import APPLY_FOR_FACES, Who

Becomes = Literal["verified", "rejected", "failed", "unknown", "waiting"]
Remedy = tuple[str, str]  # in English and Chinese

PASSED = 10000
NO_PERMISSION = 10006
_FAULTS_OF_WECHAT = (
    *(10007, 10008, 10013, 10014, 10015, 10016, 10045),
    *(90018, 90104, 90105, 90110, 90199),
)


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


def _rows(
    code: str, becomes: Becomes, who: Who, remedy: Remedy, **meanings: tuple[str, str]
) -> Iterator[Verdict]:
    """Verdicts that are treated alike; `_10003=(English, Chinese)`."""
    for name, (english, chinese) in meanings.items():
        yield Verdict(int(name[1:]), code, becomes, english, chinese, *remedy, who=who)


VERDICTS: tuple[Verdict, ...] = (
    *_rows("", "verified", "citizen", _NOTHING, _10000=("passed", "核验通过")),
    *_rows(
        "mismatch",
        "rejected",
        "citizen",
        _LOOK_AT_BOTH,
        _10003=("the ID number doesn't match the name", "身份证号码与姓名不匹配"),
        _10004=("the face doesn't match", "人脸比对不一致"),
        _10012=("the comparison failed", "比对未通过"),
    ),
    *_rows(
        "no_real_name",
        "rejected",
        "citizen",
        _OTHER_WAY,
        _10018=("no such user information", "查无此用户信息"),
        _10026=("not in the authoritative source", "权威数据源中无此人信息"),
        _10041=("an illegal user", "非法用户"),
    ),
    *_rows(
        "face_unclear",
        "failed",
        "citizen",
        _GOOD_LIGHT,
        _10002=("no features of a face were found", "未检测到人脸特征"),
        _10010=("the picture is too poor", "图像质量过低"),
        _90011=("the data of the face are invalid", "人脸数据无效"),
        _90013=("the data of the face are invalid", "人脸数据无效"),
        _90014=("the data of the face are invalid", "人脸数据无效"),
    ),
    *_rows(
        "face_unclear",
        "failed",
        "citizen",
        _ANEW,
        _10020=("a time-out of WeChat's server", "微信服务端超时"),
        _10029=("a time-out of WeChat's server", "微信服务端超时"),
        _10052=("a time-out of WeChat's server", "微信服务端超时"),
        _90017=("a time-out of the phone", "手机端超时"),
        _90107=("a time-out of the phone", "手机端超时"),
    ),
    *_rows(
        "face_cancelled",
        "failed",
        "citizen",
        _ANEW,
        _90002=("the citizen cancelled", "用户取消"),
        _90003=("the citizen cancelled", "用户取消"),
        _90004=("the citizen cancelled", "用户取消"),
        _90005=("the citizen cancelled", "用户取消"),
        _90006=("the citizen cancelled", "用户取消"),
    ),
    *_rows(
        "face_unsupported",
        "failed",
        "citizen",
        _OTHER_WAY,
        _90001=("the device can't verify a face", "设备不支持人脸核身"),
        _90106=("the camera failed", "摄像头异常"),
        _90109=("the device can't verify a face", "设备不支持人脸核身"),
    ),
    *_rows(
        "face_unsupported",
        "failed",
        "citizen",
        _ALLOW,
        _90008=("no permission for the camera", "未授予相机权限"),
        _90009=("no permission for the microphone", "未授予麦克风权限"),
        _90010=("no permission for camera and microphone", "未授予相机和麦克风权限"),
    ),
    *_rows(
        "face_not_finished",
        "waiting",
        "citizen",
        _LATER,
        _10005=("still being checked", "核验中"),
        _10300=("not finished", "未完成核验"),
    ),
    *_rows(
        "misconfigured",
        "failed",
        "operator",
        APPLY_FOR_FACES,
        _10006=("the appid has no permission", "该 appid 无人脸核身权限"),
    ),
    *_rows(
        "misconfigured",
        "failed",
        "developer",
        _UPDATE,
        _10001=("wrong parameters", "参数错误"),
        _10017=("an illegal id", "非法 id"),
        _10040=("not UTF-8", "编码不是 UTF-8"),
    ),
    *_rows(
        "wechat_busy",
        "failed",
        "citizen",
        _BEGIN_LATER,
        _10042=("too often", "操作过于频繁"),
        _90007=("the phone's network failed", "手机网络异常"),
        _90012=("the upload failed", "上传失败"),
    ),
    *_rows(
        "wechat_busy",
        "failed",
        "wechat",
        _BEGIN_LATER,
        **{
            f"_{verify_ret}": ("a fault of WeChat's own", "微信内部错误")
            for verify_ret in _FAULTS_OF_WECHAT
        },
    ),
    *_rows(
        "wechat_error",
        "unknown",
        "wechat",
        _LOOK,
        _10021=(
            "a repeated request: the last result, which isn't named",
            "重复请求，返回上次结果（未说明是何结果）",
        ),
    ),
)

_TABLE = {verdict.verify_ret: verdict for verdict in VERDICTS}


def find(verify_ret: int) -> Verdict | None:
    """The table's row, or None for one that WeChat doesn't document."""
    return _TABLE.get(verify_ret)


def verdict_of(verify_ret: Any) -> Verdict | None:
    """The verdict; None for a value that isn't a JSON integer. An undocumented one is no pass."""
    if type(verify_ret) is not int:  # True equals 1, and 10000.0 equals 10000
        return None
    return find(verify_ret) or Verdict(
        verify_ret,
        "wechat_error",
        "unknown",
        "not documented",
        "微信未公布的结果",
        *_LOOK,
        who="wechat",
    )
