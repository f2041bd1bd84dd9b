"""Where manage.py runs, a check reports the setting that the environment couldn't give: E001."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from django.core.management import ManagementUtility

from ..exceptions import ConfigurationError

#: The name under which `wx_realname.env.settings` leaves its complaint. A copy of the dict keeps it.
UNREADABLE = "cannot be read"


def is_command() -> bool:
    """Whether manage.py or django-admin starts the site: there a check reports wrong settings."""
    execute = ManagementUtility.execute.__code__
    return any(frame.f_code is execute for frame, _line in traceback.walk_stack(None))


def refuse_unreadable(raw: Any) -> None:
    """Raise the complaint as a `ConfigurationError`, where the dict holds one."""
    if isinstance(raw, Mapping) and UNREADABLE in raw:
        raise ConfigurationError(str(raw[UNREADABLE]))
