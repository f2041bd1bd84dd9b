"""Data keys wrapped by an AES key in an HSM, over PKCS#11 (pip install python-pkcs11).

The wrapping key never leaves the device. PKCS11_MODULE, PKCS11_TOKEN, PKCS11_PIN and PKCS11_DATA_KEY
(the wrapping key's label) stand in the environment.
"""

from __future__ import annotations

import os
from typing import Any

import pkcs11

NONCE_BYTES = 12


class Pkcs11DataKeys:
    """Named by DATA_KEY_BACKEND; made once a process, and anew after anything failed."""

    def __init__(self) -> None:
        library = pkcs11.lib(os.environ["PKCS11_MODULE"])
        try:
            self._session = _session(library)
        except pkcs11.PKCS11Error:  # the device was away, or the library is a parent process's
            library.reinitialize()
            self._session = _session(library)

    def wrap(self, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + bytes(self._key().encrypt(key, **_gcm(nonce)))

    def unwrap(self, wrapped: bytes) -> bytes:
        return bytes(self._key().decrypt(wrapped[NONCE_BYTES:], **_gcm(wrapped[:NONCE_BYTES])))

    def _key(self) -> Any:
        return self._session.get_key(
            object_class=pkcs11.ObjectClass.SECRET_KEY, label=os.environ["PKCS11_DATA_KEY"]
        )


def _session(library: Any) -> Any:
    token = library.get_token(token_label=os.environ["PKCS11_TOKEN"])
    return token.open(user_pin=os.environ["PKCS11_PIN"])


def _gcm(nonce: bytes) -> dict[str, Any]:
    parameters = pkcs11.GCMParams(nonce, aad=b"wx_realname", tag_bits=128)
    return {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": parameters}
