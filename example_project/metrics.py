"""`/metrics`, where METRICS=true asked for it: for a Prometheus on this very machine, and nobody else."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpResponse
from django.urls import URLPattern, path

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def urlpatterns() -> list[URLPattern]:
    """Nothing, unless the settings ask for it: the package counts only once this is imported."""
    if not getattr(settings, "METRICS", False):
        return []
    try:
        from wx_realname.prometheus import metrics
    except ImportError as error:
        raise ImproperlyConfigured("METRICS=true needs: pip install prometheus_client") from error

    def for_loopback(request: Any) -> HttpResponse:
        if not _is_local(request):
            raise Http404
        return metrics(request)

    return [path("metrics", for_loopback)]


def _is_local(request: Any) -> bool:
    """Whether it comes from this machine; what a proxy on it passes on comes from anywhere."""
    try:
        loopback = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return loopback and not any(name in request.headers for name in FORWARDED)
