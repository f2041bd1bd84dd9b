"""Wrapped keys: DATA_KEY_BACKEND opens each of them once a process, when it is first needed.

An opened key stays in the process's memory, and nowhere else. CPython can't overwrite `bytes`: what
a backend returns as a `bytearray` is overwritten here, copies that it made itself are not.
"""

from __future__ import annotations

import logging
import os
import threading
from importlib import import_module
from typing import Any, Protocol

from ..conf import HASH_KEY_BYTES, KEY_BYTES, EncryptionKey, HashKey, current
from ..exceptions import Misconfigured

logger = logging.getLogger(__name__)

Key = EncryptionKey | HashKey


class DataKeyBackend(Protocol):
    """The interface of DATA_KEY_BACKEND: a device or a KMS that holds the wrapping key.

    Made once a process, never before a fork. Both may raise anything: the site is `misconfigured` then.
    """

    def unwrap(self, wrapped: bytes) -> bytes | bytearray:
        """The key that `wrap` was given."""

    def wrap(self, key: bytes) -> bytes:
        """What `realname_make_keys` prints in the key's place."""


class _Opened:
    """One process's backends, and the keys that were opened. A forked process has backends of its own."""

    def __init__(self, keys: dict[Key, bytes]) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.backends: dict[str, Any] = {}
        self.keys = keys


_state = _Opened({})


def material(key: Key) -> bytes:
    """The key itself. Raises `Misconfigured` where the backend doesn't give it."""
    if key.opener is None:
        return key.material
    state = _current()
    opened = state.keys.get(key)
    if opened is None:
        with state.lock:
            opened = state.keys.get(key) or _open(state, key, key.opener)
            state.keys[key] = opened
    return opened


def open_all() -> None:
    """Open the settings' keys that aren't open yet, before work begins. Raises `Misconfigured`."""
    for key in wrapped_keys():
        material(key)


def wrapped_keys() -> list[Key]:
    """The settings' keys that a backend opens."""
    settings = current()
    keys: tuple[Key, ...] = (*settings.encryption_keys, *settings.index_keys, *settings.audit_keys)
    return [key for key in keys if key.opener is not None]


def wrap(path: str, key: bytes) -> bytes:
    """The key wrapped by that backend, and opened again to be sure. Raises `Misconfigured`."""
    state, wrapped, fault = _current(), b"", ""
    with state.lock:
        chosen = _backend(state, path)
        try:
            wrapped = _taken(chosen.wrap(key))
            if _taken(chosen.unwrap(wrapped)) != key:
                fault = "it unwraps its own output to another key"
        except Exception as error:
            fault = type(error).__name__
    del key  # the traceback must not hold it
    if fault:
        _refuse("DATA_KEY_BACKEND could not wrap a key (%s)", fault)
    return wrapped


def forget() -> None:
    """Drop every opened key and every backend: after settings have changed, and in tests."""
    global _state
    _state = _Opened({})


def _current() -> _Opened:
    global _state
    state = _state
    if state.pid != os.getpid():  # a device's session must not cross a fork; a key may
        _state = state = _Opened(dict(state.keys))
    return state


def _backend(state: _Opened, path: str) -> Any:
    if path not in state.backends:
        fault = ""
        try:
            module, _, name = path.rpartition(".")
            state.backends[path] = getattr(import_module(module), name)()
        except Exception as error:  # a device's own errors
            fault = type(error).__name__
        if fault:
            _refuse("DATA_KEY_BACKEND can't be used (%s)", fault)
    return state.backends[path]


def _open(state: _Opened, key: Key, path: str) -> bytes:
    chosen, opened, fault = _backend(state, path), b"", ""
    try:
        opened = _taken(chosen.unwrap(key.material))
    except Exception as error:
        fault = type(error).__name__
    if fault:
        state.backends.pop(path, None)  # its session may be dead: the next try makes another
        _refuse("DATA_KEY_BACKEND could not open key %s (%s)", key.key_id, fault)
    length = KEY_BYTES[key.algorithm] if isinstance(key, EncryptionKey) else HASH_KEY_BYTES
    if len(opened) != length:
        del opened  # the traceback must not hold it
        _refuse("DATA_KEY_BACKEND returned key %s with a wrong length", key.key_id)
    return opened


def _taken(key: object) -> bytes:
    """A copy. Raises `TypeError` for anything but bytes: `bytes(32)` would be a key of zeros."""
    if not isinstance(key, (bytes, bytearray)):
        raise TypeError("a key must be bytes")
    copy = bytes(key)
    if isinstance(key, bytearray):
        key[:] = bytes(len(key))
    return copy


def _refuse(message: str, *parts: str) -> None:
    """Raise outside of any `except`, so that the device's error and its frames are not chained."""
    logger.error(message, *parts)
    raise Misconfigured
