"""What can be counted, told to whoever counts: nobody, until a collector is added.

`wx_realname.prometheus` adds one; for OpenTelemetry or StatsD a site adds its own. What a collector is
told holds nothing of a citizen's, and each argument takes few values: fit for the label of a metric.
"""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)


class Collector:
    """Counts nothing; a subclass counts what it overrides.

    It is called while a citizen waits, in any thread; what it raises is logged by its class, and
    changes nothing.
    """

    def attempt_ended(
        self, *, merchant: str, method: str, status: str, error_code: str, seconds: float
    ) -> None:
        """An attempt ended; `error_code` is empty when it succeeded."""

    def wechat_asked(self, *, call: str, seconds: float) -> None:
        """A request to WeChat was answered, or given up; `call` is its path."""

    def access_token_fetched(self, *, forced: bool) -> None:
        """WeChat gave an access_token."""

    def cache_missed(self) -> None:
        """The cache was asked for the access_token and had none, or was down."""


_collectors: tuple[Collector, ...] = ()


def add(collector: Collector) -> None:
    """From now on the collector is told; adding it again changes nothing."""
    global _collectors
    _collectors = (*(one for one in _collectors if one is not collector), collector)


def remove(collector: Collector) -> None:
    """It is told no more."""
    global _collectors
    _collectors = tuple(one for one in _collectors if one is not collector)


def attempt_ended(**facts: Any) -> None:
    """An attempt ended; see `Collector`."""
    _tell("attempt_ended", **facts)


def wechat_asked(call: str, seconds: float) -> None:
    """A request to WeChat ended; see `Collector`."""
    _tell("wechat_asked", call=call, seconds=seconds)


def access_token_fetched(*, forced: bool) -> None:
    """WeChat gave an access_token."""
    _tell("access_token_fetched", forced=forced)


def cache_missed() -> None:
    """The cache had no access_token."""
    _tell("cache_missed")


def _tell(event: str, **facts: Any) -> None:
    """Robustly: WeChat may have been asked, and its answer must not be lost for a number."""
    for collector in _collectors:
        try:
            getattr(collector, event)(**facts)
        except Exception as error:
            logger.warning("a collector failed (%s)", type(error).__name__)
