"""The merchant's private key and certificate, in any supported form: read once a process.

Validating an RSA key costs some 50 ms, twenty times an exchange: hence once.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from ..conf import KeySource, Merchant
from ..exceptions import ConfigurationError, Misconfigured
from .per_process import PerProcess

logger = logging.getLogger(__name__)

SERIAL_LENGTH = 40
MIN_KEY_BITS = 2048
MAX_PATH = 255  # characters of a path that errors show; every key is longer


class KeyBackend(Protocol):
    """The interface of KEY_BACKEND. Made once a process from the merchant's `KeySource` and MCH_ID.

    KEY_BACKEND may name the site's own class, for an HSM or a KMS. It may raise any exception when it
    can't sign or decrypt.
    """

    certificate: x509.Certificate | None

    def __init__(self, source: KeySource, mch_id: str) -> None: ...

    @property
    def public_key(self) -> Any:
        """The public key, or None when the device doesn't return it."""

    def sign(self, message: bytes) -> bytes:
        """RSA PKCS#1 v1.5 over SHA-256 (interface document §4.4)."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        """RSA PKCS#1 v1.5, which WeChat imposes."""


class PemKey:
    """A key in PEM (text or file; PKCS#1 or PKCS#8, with or without passphrase) or in a .p12 file."""

    def __init__(self, source: KeySource, mch_id: str) -> None:
        private_key, certificate = _load(source, mch_id)
        self._private_key = private_key
        self.certificate = _certificate(source) or certificate

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message, padding.PKCS1v15(), SHA256())

    def decrypt(self, ciphertext: bytes) -> bytes:
        # With a wrong key OpenSSL >= 3.2 doesn't raise, but returns random bytes: the caller must check
        # the result.
        return self._private_key.decrypt(ciphertext, padding.PKCS1v15())


class MerchantKey:
    """A key backend with its serial number, and the signature of this second."""

    def __init__(self, source: KeySource, mch_id: str, backend: Callable[..., KeyBackend]) -> None:
        self._setting = source.setting
        self._backend, self.serialno = _load_backend(source, mch_id, backend)
        self._signed: tuple[int, str] = (0, "")

    def sign_now(self) -> tuple[int, str]:
        """The present Unix second and the signature over serial and second, in base64 on one line.

        It covers nothing else, so it serves every call of that second. Raises `Misconfigured` when
        the key can't sign.
        """
        now = int(time.time())
        signed = self._signed
        if signed[0] != now:
            signed = self._signed = (
                now,
                self._sign(f"cert_serialno={self.serialno}&timestamp={now}"),
            )
        return signed

    def _sign(self, message: str) -> str:
        try:
            return base64.b64encode(self._backend.sign(message.encode())).decode()
        except Exception as error:  # a device's own errors
            logger.error("%s: the key could not sign (%s)", self._setting, type(error).__name__)
        raise Misconfigured

    def decrypt(self, ciphertext: bytes) -> bytes:
        """The plaintext. For another key's ciphertext: any exception, or random bytes."""
        return self._backend.decrypt(ciphertext)

    @property
    def certificate(self) -> x509.Certificate | None:
        return self._backend.certificate

    @property
    def public_key(self) -> Any:
        return self._backend.public_key


class MerchantKeys:
    """The current key and the next one, which takes over at its date: no downtime at a renewal.

    Each is loaded when it is first needed, by one thread.
    """

    def __init__(self, merchant: Merchant, backend: Callable[..., KeyBackend]) -> None:
        self._merchant = merchant
        self._backend = backend
        self._loaded: dict[KeySource, MerchantKey] = {}
        self._lock = PerProcess(threading.Lock)

    def now(self) -> MerchantKey:
        """The key for a call that begins now. Raises `ConfigurationError` when it can't be used."""
        upcoming, since = self._merchant.next_keys, self._merchant.next_from
        if upcoming and since and datetime.now(timezone.utc) >= since:
            return self._get(upcoming)
        return self._get(self._merchant.keys)

    def all(self) -> list[MerchantKey]:
        """Every key that is configured: for checks. Raises `ConfigurationError`."""
        return [self._get(source) for source in self._merchant.key_sources]

    def _get(self, source: KeySource) -> MerchantKey:
        if source not in self._loaded:
            with self._lock():
                if source not in self._loaded:
                    key = MerchantKey(source, self._merchant.mch_id or "", self._backend)
                    self._loaded[source] = key
        return self._loaded[source]


def _load_backend(
    source: KeySource, mch_id: str, backend: Callable[..., KeyBackend]
) -> tuple[KeyBackend, str]:
    """The backend and its serial number."""
    try:
        made = backend(source, mch_id)
        _refuse_a_stranger(source, made)
        return made, _serialno(source, made.certificate)
    except ConfigurationError as error:
        message = str(error)
    except Exception as error:  # a device's own errors: their messages may hold secrets
        message = f"{source.setting}: KEY_BACKEND could not be used ({type(error).__name__})."
    raise ConfigurationError(message)


def _refuse_a_stranger(source: KeySource, backend: KeyBackend) -> None:
    certificate, public_key = backend.certificate, backend.public_key
    if certificate and public_key and certificate.public_key() != public_key:
        raise ConfigurationError(
            f"{source.setting}: the private key does not belong to the certificate. "
            "Use the pair that the merchant platform issued together."
        )


def _serialno(source: KeySource, certificate: x509.Certificate | None) -> str:
    given, read = source.cert_serialno, certificate and serial_of(certificate)
    if given and read and given != read:
        raise ConfigurationError(
            f'{source.setting}["CERT_SERIALNO"] is {given}, but the certificate\'s is {read}: '
            "leave it out, or give the right certificate."
        )
    if not (given or read):
        raise ConfigurationError(
            f'{source.setting}["CERTIFICATE_FILE"] is missing: set it, or "CERT_SERIALNO".'
        )
    return given or str(read)


def serial_of(certificate: x509.Certificate) -> str:
    """In WeChat's format: 40 upper-case hex digits; one serial in eight has leading zeros."""
    return format(certificate.serial_number, "X").zfill(SERIAL_LENGTH)


def _load(source: KeySource, mch_id: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate | None]:
    if not (source.private_key or source.private_key_file):
        raise ConfigurationError(f'{source.setting}["PRIVATE_KEY"] is missing.')
    name = "PRIVATE_KEY" if source.private_key else "PRIVATE_KEY_FILE"
    fault, key, certificate = "", None, None
    try:
        key, certificate = _parse(source, mch_id)
    except OSError as error:
        fault = f"can't be read: {_reason(source.private_key_file, error)}."
    except (ValueError, TypeError):
        fault = (
            "is not a PEM private key or a .p12 file that PRIVATE_KEY_PASSPHRASE opens "
            "(for a .p12, the merchant number unless given)."
        )
    except Exception as error:  # such as UnsupportedAlgorithm; the message may quote the file
        fault = f"can't be used ({type(error).__name__})."
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_KEY_BITS:
        return key, certificate
    del key
    fault = fault or f"must be an RSA key of at least {MIN_KEY_BITS} bits."
    raise ConfigurationError(f'{source.setting}["{name}"] {fault}')


def _reason(path: str | None, error: OSError) -> str:
    """The path and the system's message; no path if the setting has a file's content in its place."""
    is_path = path and path.isprintable() and len(path) <= MAX_PATH and "-----" not in path
    return f"{path}: {error.strerror}" if is_path else str(error.strerror)


def _parse(source: KeySource, mch_id: str) -> tuple[Any, x509.Certificate | None]:
    if source.private_key:
        data = source.private_key.reveal().encode()
    else:
        data = Path(source.private_key_file or "").read_bytes()
    passphrase = source.passphrase.reveal().encode() if source.passphrase else None
    if b"-----BEGIN" in data:
        pem = _tidy(data)
        # cryptography refuses a passphrase for a key that has none.
        return load_pem_private_key(pem, passphrase if b"ENCRYPTED" in pem else None), None
    key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase or mch_id.encode())
    return key, certificate


def _certificate(source: KeySource) -> x509.Certificate | None:
    name = "CERTIFICATE" if source.certificate else "CERTIFICATE_FILE"
    if not (source.certificate or source.certificate_file):
        return None
    try:
        text = (source.certificate or "").encode()
        return _parse_certificate(text or Path(source.certificate_file or "").read_bytes())
    except OSError as error:
        fault = f"can't be read: {_reason(source.certificate_file, error)}."
    except ValueError:
        fault = "is not an X.509 certificate in PEM."
    except Exception as error:  # UnsupportedAlgorithm: the key of an SM2 certificate, for one
        fault = f"can't be used ({type(error).__name__})."
    raise ConfigurationError(f'{source.setting}["{name}"] {fault}')


def _parse_certificate(data: bytes) -> x509.Certificate:
    if b"-----BEGIN" in data:
        certificate = x509.load_pem_x509_certificate(_tidy(data))
    else:
        certificate = x509.load_der_x509_certificate(data)
    certificate.public_key()  # raises when it is of an unknown kind
    return certificate


def _tidy(pem: bytes) -> bytes:
    r"""PEM as it arrives from environments and Windows: literal `\n`, CRLF, a BOM, stray blanks."""
    text = pem.removeprefix(b"\xef\xbb\xbf").replace(b"\\r", b"").replace(b"\\n", b"\n")
    return b"\n".join(line.strip() for line in text.splitlines()) + b"\n"
