"""Decides which request meets which fault: the citizen's own, else a queued one, else by chance."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import asdict, dataclass
from random import Random
from threading import Lock

from ..wire import Document
from .fault import CALLS, REALNAME, Fault
from .profiles import KIND, PROFILES, Profile
from .table import named

MOST_TIMES = 1_000_000
LARGEST_SEED = 2**53  # every JSON parser reads it exactly


@dataclass(frozen=True)
class Met:
    """The fault, if any, that a request meets; `latency` in seconds; the request's own dice."""

    fault: Fault | None
    latency: float
    dice: Random


@dataclass(frozen=True)
class Chosen:
    """How this WeChat misbehaves by itself; `rate` is the share of calls that meet a fault."""

    profile: str
    seed: int
    rate: float


@dataclass
class _Queued:
    fault: Fault
    call: str
    times: int


class Trouble:
    """The queue of faults, and the profile with its seed.

    The n-th call after the choice of the profile has random numbers of its own, made from seed and n:
    the same seed and order of calls give the same faults, whatever is queued between them.
    """

    def __init__(
        self, profile: str = KIND.name, seed: int | None = None, rate: float | None = None
    ) -> None:
        self._lock = Lock()
        self._queue: deque[_Queued] = deque()
        self.choose(profile, seed, rate)

    def choose(self, profile: str, seed: int | None = None, rate: float | None = None) -> None:
        """Take another profile from now on; by default with a random seed and the profile's own rate.

        Raises `ValueError`; nothing has changed then.
        """
        chosen = _profile(profile)
        seed = secrets.randbelow(2**32) if seed is None else _seed(seed)
        rate = chosen.rate if rate is None else _rate(rate, chosen)
        with self._lock:
            self._profile, self._seed, self._rate, self._calls = chosen, seed, rate, 0

    def queue(self, name: str, call: str = REALNAME, times: int = 1) -> None:
        """The next `times` requests of that call meet the fault; raises `ValueError`."""
        if not 1 <= times <= MOST_TIMES:
            raise ValueError(f"times: must be a whole number from 1 to {MOST_TIMES}")
        queued = _Queued(named(name, call), call, times)
        with self._lock:
            self._queue.append(queued)

    def clear(self) -> int:
        """Empty the queue. Return how many requests would have met a fault of it."""
        with self._lock:
            count = sum(queued.times for queued in self._queue)
            self._queue.clear()
            return count

    def meet(self, call: str, own: Fault | None = None) -> Met:
        """What the next request of this call meets; a citizen's own fault doesn't change the queue."""
        with self._lock:
            self._calls += 1
            dice = Random(f"{self._seed} {self._calls}")  # noqa: S311 - dice, not keys
            latency = self._profile.latency(dice)
            fault = own or self._next_queued(call) or self._thrown(call, dice)
            return Met(fault, latency, dice)

    def as_json(self) -> Document:
        """Profile, seed, rate and queue, as the control side shows them."""
        with self._lock:
            queued = [
                {"fault": q.fault.name, "call": q.call, "times": q.times} for q in self._queue
            ]
            return {**asdict(self._chosen()), "queued": queued}

    def chosen(self) -> Chosen:
        """The profile, as it was chosen last."""
        with self._lock:
            return self._chosen()

    def _chosen(self) -> Chosen:
        return Chosen(self._profile.name, self._seed, self._rate)

    def _next_queued(self, call: str) -> Fault | None:
        queued = next((queued for queued in self._queue if queued.call == call), None)
        if queued is None:
            return None
        queued.times -= 1
        if not queued.times:
            self._queue.remove(queued)
        return queued.fault

    def _thrown(self, call: str, dice: Random) -> Fault | None:
        if call not in CALLS or dice.random() >= self._rate:
            return None
        return self._profile.fault_for(call, dice)


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise ValueError(f"profile: {ascii(name)[:60]} is none; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def _seed(seed: int) -> int:
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed: must be a whole number from 0 to {LARGEST_SEED}")
    return seed


def _rate(rate: float, profile: Profile) -> float:
    if not 0 <= rate <= 1:
        raise ValueError("rate: must be a number from 0 to 1")
    if rate and not profile.mix:
        able = ", ".join(name for name, each in PROFILES.items() if each.mix)
        raise ValueError(f"rate: the profile {profile.name} has no faults; choose one of {able}")
    return float(rate)
