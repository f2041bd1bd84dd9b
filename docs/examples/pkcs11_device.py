"""A key in a PKCS#11 device, for pkcs11_key.py and pkcs11_data_key.py. PKCS11_MODULE is the library's path.

The library exists once a process: initializing it anew ends every session, and crashes a thread that is
inside it. So all calls, of all keys, are made under one lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pkcs11

from wx_realname.personal_data import Secret
from wx_realname.wechat.per_process import PerProcess


class _Library:
    """The library of one process. A session of an older generation has ended."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.generation = 0

    def reinitialize(self) -> None:
        self.generation += 1
        pkcs11.lib(os.environ["PKCS11_MODULE"]).reinitialize()


# A fork copies a lock that another thread holds, and nobody releases the copy.
_library = PerProcess(_Library)


class DeviceKey:
    """One key of a token, by their labels. Several threads may use it at once."""

    def __init__(self, token: str, pin: Secret | None, object_class: Any, label: str) -> None:
        self._token, self._pin = token, pin
        self._which = {"object_class": object_class, "label": label}
        self._key: Any = None
        self._opened_in: tuple[_Library, int] | None = None

    def use(
        self, work: Callable[[Any], Any], *, probe: Callable[[Any], Any] | None = None
    ) -> bytes:
        """What `work` returns, in a new session if the device was away in between.

        `probe` must succeed with this key. An error of `work` is raised at once if it does: the data is at
        fault, not the device.
        """
        library = _library()
        with library.lock:
            try:
                return bytes(work(self._current()))
            except pkcs11.PKCS11Error:
                if probe is not None and self._succeeds(probe):
                    raise
            library.reinitialize()
            return bytes(work(self._current()))

    def _succeeds(self, probe: Callable[[Any], Any]) -> bool:
        try:
            probe(self._current())
        except pkcs11.PKCS11Error:
            return False
        return True

    def _current(self) -> Any:
        library = _library()
        if self._opened_in != (library, library.generation):
            self._key = self._open().get_key(**self._which)
            self._opened_in = (library, library.generation)
        return self._key

    def _open(self) -> Any:
        """A session. The login is the token's: another key of it may have logged in already."""
        token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label=self._token)
        try:
            return token.open(user_pin=self._pin.reveal() if self._pin else None)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open()
