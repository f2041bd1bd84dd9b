"""Slow answers."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from ..reply import Pause, Reply
from .fault import Fault

FIXED = 0.5  # seconds
MEDIAN, SIGMA, SLOWEST = 0.06, 0.5, 10.0  # seconds, of the logarithm, seconds


def log_normal(dice: Random) -> float:
    """Seconds that an answer takes: mostly near the median, now and then many times that."""
    return min(SLOWEST, dice.lognormvariate(math.log(MEDIAN), SIGMA))


def later(reply: Reply, seconds: float) -> Reply:
    """The same reply after a while."""
    if not seconds:
        return reply
    return replace(reply, pieces=lambda head, body: (Pause(seconds), *reply.pieces(head, body)))


FAULTS: tuple[Fault, ...] = (
    Fault("latency_fixed", f"answers after {FIXED} s", lambda _, reply: later(reply, FIXED)),
    Fault(
        "latency_log_normal",
        f"answers after {MEDIAN * 1000:.0f} ms in the median, log-normally spread",
        lambda encounter, reply: later(reply, log_normal(encounter.dice)),
    ),
)
