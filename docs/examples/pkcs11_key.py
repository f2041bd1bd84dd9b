"""A merchant's key in an HSM, over PKCS#11 (pip install python-pkcs11). The key never leaves the device."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pkcs11
from cryptography import x509

from wx_realname.conf import KeySource


class Pkcs11Key:
    """PRIVATE_KEY_FILE is the key's label in the device, PRIVATE_KEY_PASSPHRASE the device's PIN."""

    def __init__(self, source: KeySource, mch_id: str) -> None:
        self.certificate = x509.load_pem_x509_certificate(
            Path(source.certificate_file or "").read_bytes()
        )
        token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label=mch_id)
        pin = source.passphrase.reveal() if source.passphrase else None
        self._key = token.open(user_pin=pin).get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=source.private_key_file
        )
        self._one_at_a_time = threading.Lock()  # a PKCS#11 session isn't for several threads

    @property
    def public_key(self) -> Any:
        """The certificate's: realname_doctor encrypts with it, and sees whether the device opens it."""
        return self.certificate.public_key()

    def sign(self, message: bytes) -> bytes:
        with self._one_at_a_time:
            return bytes(self._key.sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """May raise where OpenSSL returns junk: both are an answer that can't be read."""
        with self._one_at_a_time:
            return bytes(self._key.decrypt(ciphertext, mechanism=pkcs11.Mechanism.RSA_PKCS))
