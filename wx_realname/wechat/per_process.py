"""Values that must not cross a fork: connections, locks, and their owners."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that each process makes for itself, at the first use.

    The process id is compared at every use. uWSGI forks without Python's hooks, so that
    `os.register_at_fork` isn't called there.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def __call__(self) -> T:
        pid = os.getpid()
        try:
            return self._made[pid]
        except KeyError:
            value = self._made.setdefault(pid, self._make())  # atomic: all threads get the same
            for parent in list(self._made):
                if parent != pid:
                    self._made.pop(parent, None)
            return value
