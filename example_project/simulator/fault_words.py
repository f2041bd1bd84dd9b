"""The sandbox's faults in the reader's language: its groups, and what a return code means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from wx_realname.services.operation.remedies import words_of
from wx_realname.wechat import errcodes

from .ways import AUTHORIZE, CHECK, FACE, Way

Text = str | Promise

BY_NUMBER = _("The sandbox knows this trouble by its ID number, which is filled in for you.")
#: Title and explanation of each group of the sandbox's faults.
GROUPS: Mapping[str, tuple[Text, Text]] = MappingProxyType(
    {
        "refusal": (_("return codes"), _("WeChat refuses with this return code.")),
        "strange_refusal": (
            _("strange refusals"),
            _("WeChat refuses in a way that no document names. Nothing of it reaches the phone."),
        ),
        "lost": (
            _("lost answers"),
            _("The answer doesn't come, or not whole. What WeChat did meanwhile isn't known."),
        ),
        "garbled": (
            _("garbled answers"),
            _("What comes isn't WeChat's JSON: a proxy or a firewall may have answered."),
        ),
        "unreadable": (
            _("unreadable contents"),
            _("The answer is WeChat's, but what is in it makes no sense, so it isn't believed."),
        ),
        "quirk": (
            _("harmless quirks"),
            _("The answer looks unusual and is right: the verification goes through."),
        ),
        "slow": (_("slow answers"), _("The answer takes its time, and is right.")),
        "clock": (
            _("wrong clocks"),
            _("WeChat's clock and our server's differ by an hour."),
        ),
        "token": (
            _("access_tokens"),
            _("The server's access_token is dead. It fetches another one and asks again."),
        ),
        "face": (
            _("false verdicts"),
            _("The answer says anything but verify_ret 10000 with errcode 0, so nobody passes."),
        ),
    }
)
_CALLS = {AUTHORIZE: "api", CHECK: "check", FACE: "queryverifyinfo"}


def describe(
    name: str, description: str, way: Way, group: str, call: str = ""
) -> tuple[Text, Text]:
    """Label and explanation of a fault of the sandbox."""
    number = name.removeprefix("errcode_")
    if number.isdecimal():
        return _of_errcode(int(number), call or _CALLS[way])
    explanation = GROUPS[group][1] if group in GROUPS else ""
    if (get_language() or "").startswith("zh") or not explanation:
        return name, explanation or description
    return name, f"{explanation} ({description})"


def _of_errcode(errcode: int, call: str) -> tuple[Text, Text]:
    rows = (errcodes.find(one, errcode) for one in (call, "api", "token", "login"))  # type: ignore[arg-type]
    row = next(filter(None, rows), None)
    if row is None:
        return f"errcode {errcode}", GROUPS["refusal"][1]
    words = words_of(row)
    return f"errcode {errcode} {words.meaning}", words.remedy
