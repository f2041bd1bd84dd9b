"""Metrics for Prometheus (extra `[prometheus]`). Counting begins when this module is imported.

    path("metrics", wx_realname.prometheus.metrics)      # in a URLconf; guard it, see there

or import it in an AppConfig's `ready` where the site exports prometheus_client's registry already. Under
several processes set PROMETHEUS_MULTIPROC_DIR, as prometheus_client's own documentation says.
"""

from __future__ import annotations

import os
from typing import Any

from django.dispatch import receiver
from django.http import HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from . import signals

# WeChat's errcode is not a label: its number of values is unbounded. error_code has few.
ATTEMPTS = Counter(
    "wx_realname_attempts",
    "Attempts that ended, by outcome.",
    ("merchant", "method", "status", "error_code"),
)
WECHAT = Histogram(
    "wx_realname_wechat_seconds",
    "Time until WeChat answered, or was given up.",
    ("call",),
    buckets=(0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 2, 3.5, 5, 10, 20),
)
TOKENS = Counter(
    "wx_realname_access_token_refreshes", "Access tokens that WeChat gave.", ("forced",)
)
MISSES = Counter(
    "wx_realname_access_token_cache_misses",
    "Times that the cache was asked for the access_token and had none.",
)


@receiver(signals.attempt_ended)
def _count_attempt(merchant: str, method: str, status: str, error_code: str, **_: Any) -> None:
    ATTEMPTS.labels(merchant, method, status, error_code).inc()


@receiver(signals.wechat_asked)
def _time_call(call: str, seconds: float, **_: Any) -> None:
    WECHAT.labels(call.rpartition("/")[2]).observe(seconds)


@receiver(signals.access_token_fetched)
def _count_token(forced: bool, **_: Any) -> None:
    TOKENS.labels(str(forced).lower()).inc()


@receiver(signals.cache_missed)
def _count_miss(**_: Any) -> None:
    MISSES.inc()


def metrics(request: Any) -> HttpResponse:
    """All metrics of the process, or of all processes (PROMETHEUS_MULTIPROC_DIR), as Prometheus reads them.

    They name no citizen, but show the site's load: restrict access by the proxy or a decorator.
    """
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call,unused-ignore]
    answer = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer["Cache-Control"] = "no-store"
    return answer
