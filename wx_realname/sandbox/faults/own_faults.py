"""The faults of citizens, by their auth_tokens, codes and verify_ids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Lock

from .fault import Fault


@dataclass
class _OwnFault:
    fault: Fault
    times_left: float


class OwnFaults:
    """Keeps faults by token, code or verify_id, also after these are consumed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: dict[str, _OwnFault] = {}

    def bring(self, token: str, fault: Fault | None, times: int | None) -> None:
        """The next `times` requests with this token meet the fault; None: all of them."""
        if fault is not None:
            with self._lock:
                self._faults[token] = _OwnFault(fault, math.inf if times is None else times)

    def meet(self, token: object) -> Fault | None:
        """The fault that a request with this token meets; counts it as met."""
        if not isinstance(token, str):
            return None
        with self._lock:
            own = self._faults.get(token)
            if own is None or not own.times_left:
                return None
            own.times_left -= 1
            return own.fault
