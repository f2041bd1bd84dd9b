"""A merchant's key in an HSM, over PKCS#11 (pip install python-pkcs11). The key never leaves the device."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
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
        self._label, self._token = source.private_key_file, mch_id
        self._pin = source.passphrase
        self._one_at_a_time = threading.Lock()  # a PKCS#11 session isn't for several threads
        self._key = self._find()

    def _find(self, *, again: bool = False) -> Any:
        library = pkcs11.lib(os.environ["PKCS11_MODULE"])
        if again:
            library.reinitialize()
        token = library.get_token(token_label=self._token)
        pin = self._pin.reveal() if self._pin else None
        return token.open(user_pin=pin).get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self._label
        )

    @property
    def public_key(self) -> Any:
        """The certificate's: realname_doctor encrypts with it, and sees whether the device opens it."""
        return self.certificate.public_key()

    def sign(self, message: bytes) -> bytes:
        return self._do(lambda key: key.sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """May raise where OpenSSL returns junk: both are an answer that can't be read."""
        return self._do(lambda key: key.decrypt(ciphertext, mechanism=pkcs11.Mechanism.RSA_PKCS))

    def _do(self, work: Callable[[Any], Any]) -> bytes:
        """Once more in a new session: the device may have been away in between."""
        with self._one_at_a_time:
            try:
                return bytes(work(self._key))
            except pkcs11.PKCS11Error:
                self._key = self._find(again=True)
                return bytes(work(self._key))
