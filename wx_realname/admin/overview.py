"""The overview: volume, outcomes, return codes, response times, peaks, certificates, the trail."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils.translation import gettext as _

from .. import conf, statistics
from ..models import HourlyStatistic
from ..services.operation import certificates
from . import clock
from .alarms import alarms, is_overdue, waiting
from .figures import Figures
from .filters import RefusedFilter
from .integrity import glance
from .read_only import ReadOnlyAdmin

logger = logging.getLogger(__name__)

COUNTING = 2.0  # seconds that a visitor waits for what isn't counted yet


@admin.register(HourlyStatistic)
class OverviewAdmin(ReadOnlyAdmin):
    """One page, in the place of a list."""

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [pattern for pattern in super().get_urls() if pattern.name == name]

    def changelist_view(self, request: Any, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        merchants = list(conf.current().merchants) if conf.is_set() else []
        chosen = request.GET.get("merchant") or None
        if chosen and chosen not in merchants:
            raise RefusedFilter(_("merchant"), chosen)
        faces = waiting()
        context = {
            **(extra_context or {}),
            "may_view": False,  # of the list that this page stands for
            "is_counted": _count(),
            "figures": Figures.now(chosen),
            "merchants": merchants,
            "chosen": chosen,
            # whether any merchant has certificates to show; without settings the table says so
            "has_button": not conf.is_set() or conf.current().has_button,
            "certificates": list(certificates.certificates()) if merchants else [],
            "alarms": alarms(),
            "waiting": faces,
            "is_overdue": is_overdue(faces),
            "zone": clock.zone(),
            "integrity": glance,
        }
        title = f"{_('Overview')}: {chosen}" if chosen else _("Overview")
        return self._page(request, "overview", title, **context)


def _count() -> bool:
    """Count what happened since, for a short while; whether that was all."""
    until = time.monotonic() + COUNTING
    try:
        return all(time.monotonic() < until for _counted in statistics.roll_up())
    except DatabaseError as error:  # another visitor's counting, or a database that is only read
        logger.warning("statistics aren't up to date: %s", type(error).__name__)
        return False
