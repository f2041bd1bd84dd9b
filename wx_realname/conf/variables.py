"""The environment's name of a setting, for complaints: who sets variables has never seen the dict."""

from __future__ import annotations

import os
import re

PREFIX = "WX_REALNAME_"

_PLACE = re.compile(r'WX_REALNAME(\["MERCHANTS"\]\["default"\])?\["(\w+)"\]')


def with_variable(complaint: str) -> str:
    """The complaint, and the variable of the setting that it begins with, where variables of ours are set."""
    place = _PLACE.match(complaint)
    if not place or not any(name.startswith(PREFIX) for name in os.environ):
        return complaint
    as_json = place[1] and f"{PREFIX}MERCHANTS" in os.environ  # all merchants in one variable
    return f"{complaint} In the environment: {PREFIX}{'MERCHANTS' if as_json else place[2]}."
