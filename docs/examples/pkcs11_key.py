"""A merchant's key in an HSM, over PKCS#11 (pip install python-pkcs11). The key never leaves the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from pkcs11 import Mechanism, ObjectClass

from wx_realname.conf import KeySource

from .pkcs11_device import DeviceKey


class Pkcs11Key:
    """PRIVATE_KEY_FILE is the key's label in the device, PRIVATE_KEY_PASSPHRASE the device's PIN.

    The token's label is the merchant number.
    """

    def __init__(self, source: KeySource, mch_id: str) -> None:
        self.certificate = x509.load_pem_x509_certificate(
            Path(source.certificate_file or "").read_bytes()
        )
        label = source.private_key_file or ""
        self._key = DeviceKey(mch_id, source.passphrase, ObjectClass.PRIVATE_KEY, label)

    @property
    def public_key(self) -> Any:
        """The certificate's: realname_doctor encrypts with it, and sees whether the device opens it."""
        return self.certificate.public_key()

    def sign(self, message: bytes) -> bytes:
        return self._key.use(lambda key: key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """May raise where OpenSSL returns junk: both are an answer that can't be read."""
        return self._key.use(
            lambda key: key.decrypt(ciphertext, mechanism=Mechanism.RSA_PKCS),
            probe=lambda key: key.sign(b"probe", mechanism=Mechanism.SHA256_RSA_PKCS),
        )
