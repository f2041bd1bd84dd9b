"""The faults that single auth_tokens and codes meet for their citizens' sake."""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Lock

from .citizens import Citizen
from .faults.fault import Fault


@dataclass
class _OwnFault:
    fault: Fault
    times_left: float


class OwnFaults:
    """Keeps them by token or code, which they outlive: "always" means always."""

    def __init__(self, lock: Lock, call: str) -> None:
        self._lock = lock
        self._call = call
        self._faults: dict[str, _OwnFault] = {}

    def bring(self, token: str, citizen: Citizen) -> None:
        """The token is this citizen's; `ValueError` for a fault that the call can't meet."""
        if fault := citizen.own_fault(self._call):
            with self._lock:
                self._faults[token] = _OwnFault(fault, citizen.fault_times or math.inf)

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
