"""How a face verification may end: every verify_ret of WeChat's, in groups that a visitor can find."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wx_realname.services.operation.remedies import words_of
from wx_realname.wechat.verdicts import PASSED, VERDICTS, Verdict

__all__ = ["PASSED", "is_known", "on_the_page"]

#: By the code of our interface; the empty one is for those who passed.
GROUPS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "": _("Passed"),
        "mismatch": _("Not the person"),
        "no_real_name": _("Not in the authoritative source"),
        "face_unclear": _("Nothing clear to see, or too slow"),
        "face_cancelled": _("Cancelled by the citizen"),
        "face_unsupported": _("This phone can't, or may not"),
        "face_not_finished": _("Not finished yet"),
        "misconfigured": _("For the operator"),
        "wechat_busy": _("WeChat's own trouble"),
        "wechat_error": _("Says nothing"),
    }
)
_ORDER = list(GROUPS)


def is_known(verdict: object) -> bool:
    """Whether it is a verify_ret of the table."""
    return type(verdict) is int and any(row.verify_ret == verdict for row in VERDICTS)


def on_the_page() -> list[dict[str, Any]]:
    """For the page, in the reader's language; those who passed first."""
    rows = sorted(VERDICTS, key=lambda row: _ORDER.index(row.code))
    return [_shown(row) for row in rows]


def _shown(row: Verdict) -> dict[str, Any]:
    words = words_of(row)
    return {
        "name": row.verify_ret,
        "label": f"{row.verify_ret} {words.meaning}",
        "explanation": words.remedy,
        "group": GROUPS[row.code],
    }
