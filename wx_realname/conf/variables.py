"""The environment variable of a setting, for error messages: sites that use variables don't see the dict."""

from __future__ import annotations

import os
import re

from .schema import MERCHANT_NAMES, NAMES

PREFIX = "WX_REALNAME_"

_VARIABLES = {PREFIX + name for name in (*NAMES, *MERCHANT_NAMES)}
_PLACE = re.compile(r'WX_REALNAME(\["MERCHANTS"\]\["default"\])?\["(\w+)"\]')


def with_variable(complaint: str) -> str:
    """The message, with the environment variable of its setting where settings come from variables."""
    place = _PLACE.match(complaint)
    if not place or _VARIABLES.isdisjoint(os.environ):
        return complaint
    if place[2] == "MERCHANTS" and not place[1] and f"{PREFIX}MERCHANTS" not in os.environ:
        return f"{complaint} In the environment: {PREFIX}APP_ID and the merchant's others."
    as_json = place[1] and f"{PREFIX}MERCHANTS" in os.environ  # all merchants in one variable
    return f"{complaint} In the environment: {PREFIX}{'MERCHANTS' if as_json else place[2]}."
