"""Data keys wrapped by an AES key in an HSM, over PKCS#11 (pip install python-pkcs11).

The wrapping key never leaves the device. PKCS11_MODULE, PKCS11_TOKEN, PKCS11_PIN and PKCS11_DATA_KEY
(the wrapping key's label) stand in the environment.
"""

from __future__ import annotations

import os
from typing import Any

import pkcs11

from wx_realname.personal_data import Secret

from .pkcs11_device import DeviceKey

NONCE_BYTES = 12


class Pkcs11DataKeys:
    """Named by DATA_KEY_BACKEND; made once a process, and anew after anything failed."""

    def __init__(self) -> None:
        self._key = DeviceKey(
            os.environ["PKCS11_TOKEN"],
            Secret(os.environ["PKCS11_PIN"]),
            pkcs11.ObjectClass.SECRET_KEY,
            os.environ["PKCS11_DATA_KEY"],
        )

    def wrap(self, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key.use(lambda device: device.encrypt(key, **_gcm(nonce)))

    def unwrap(self, wrapped: bytes) -> bytes:
        nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        return self._key.use(
            lambda device: device.decrypt(ciphertext, **_gcm(nonce)),
            probe=lambda device: device.encrypt(b"probe", **_gcm(os.urandom(NONCE_BYTES))),
        )


def _gcm(nonce: bytes) -> dict[str, Any]:
    parameters = pkcs11.GCMParams(nonce, aad=b"wx_realname", tag_bits=128)
    return {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": parameters}
