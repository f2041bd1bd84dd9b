"""Times in the console: to the second, with the name of the time zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext as _

#: Names of China's one time zone.
_BEIJING = {"Asia/Shanghai", "Asia/Chongqing", "Asia/Chungking", "Asia/Harbin", "PRC"}


def zone() -> str:
    """The name of the site's time zone."""
    name = str(timezone.get_current_timezone())
    return _("Beijing time") if name in _BEIJING else name


def _heading() -> str:
    return _("time (%(zone)s)") % {"zone": zone()}


#: Of a column with times; translated when it is shown.
heading = lazy(_heading, str)()


def second(at: datetime) -> str:
    """To the second, without the zone: for columns whose header names it."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"


def moment(at: datetime | None) -> str:
    """To the second, with the zone; empty for None."""
    return f"{second(at)} {zone()}" if at else ""
