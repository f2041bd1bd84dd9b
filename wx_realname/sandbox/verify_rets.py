"""The results of face verifications, and the ID numbers that select them.

A citizen with the ID number `999999 19900103 NNN C` gets the verify_ret in place NNN, everybody else
10000. New ones go to the end, so that no number changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .id_numbers import VERIFY_RETS_DAY, credential_id

PASSED, CHECKING, NOT_FINISHED = 10000, 10005, 10300
OPEN = (CHECKING, NOT_FINISHED)  # another verify_ret follows
_OF_THE_PHONE = 90000

_OWN_FAULTS = (10007, 10008, 10013, 10014, 10015, 10016, 10045, 90018, 90104, 90105, 90110, 90199)
VERIFY_RETS: Mapping[int, str] = MappingProxyType(
    {
        PASSED: "passed",
        10003: "the ID number doesn't match the name",
        10004: "the face doesn't match",
        10012: "the comparison failed",
        10026: "not in the authoritative source",
        10018: "no such user information",
        10041: "an illegal user",
        10002: "the face's features were not found",
        10010: "the picture is too poor",
        **dict.fromkeys((90011, 90013, 90014), "the face data are invalid"),
        **dict.fromkeys((10020, 10029, 10052), "a time-out of the server"),
        **dict.fromkeys((90017, 90107), "a time-out of the phone"),
        CHECKING: "still checking",
        NOT_FINISHED: "not finished",
        **dict.fromkeys(range(90002, 90007), "the citizen cancelled"),
        **dict.fromkeys((90001, 90109), "the device can't"),
        90106: "the camera failed",
        90008: "no permission for the camera",
        90009: "no permission for the microphone",
        90010: "no permission for camera and microphone",
        90007: "the phone's network",
        90012: "the upload failed",
        10006: "the appid has no permission",
        10001: "wrong parameters",
        10017: "an illegal id",
        10040: "not UTF-8",
        10042: "too often, try later",
        **dict.fromkeys(_OWN_FAULTS, "a fault of WeChat's own"),
        10021: "a repeated request: the last result again, whatever it was",
    }
)
BY_CREDENTIAL_ID: Mapping[str, int] = MappingProxyType(
    {credential_id(VERIFY_RETS_DAY, place): ret for place, ret in enumerate(VERIFY_RETS)}
)


def phone_says(verify_ret: int) -> str:
    """What wx.requestFacialVerify calls back: "success" says only that the camera part ended."""
    return "fail" if verify_ret >= _OF_THE_PHONE else "success"


def listing() -> Iterator[str]:
    """The table in lines, for the command line."""
    for number, verify_ret in BY_CREDENTIAL_ID.items():
        yield f"{'verify_ret':15} {verify_ret:<38} {'':8} {number}  {VERIFY_RETS[verify_ret]}"
