"""A merchant's RSA key and certificate, and the serial number as WeChat writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
SERIAL_DIGITS = 40
FIVE_YEARS = timedelta(days=5 * 365)  # the lifetime of WeChat Pay's own API certificates


@dataclass(frozen=True)
class MerchantKey:
    """An RSA key and the certificate of its public half.

    `private_key_pem` is PKCS#8 without passphrase; `serial` is the certificate's serial number as
    the interface wants it (section 4.3): 40 upper-case hex digits, zeros on the left included.
    """

    private_key_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    serial: str


def make_merchant_key(
    serial: str | None = None, *, mch_id: str = "1900006511", valid_for: timedelta = FIVE_YEARS
) -> MerchantKey:
    """Make a fresh RSA-2048 key and a self-signed certificate with a 160-bit serial number.

    `serial`, in hex, may be chosen, for example one that begins with zeros; X.509 wants it
    positive and its top bit clear, so `ValueError` outside 1 ... 2**159 - 1. A negative
    `valid_for` makes a certificate that has expired. Takes some 0.1 s.
    """
    number = x509.random_serial_number() if serial is None else _serial_number(serial)
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    certificate = _self_signed(key, number, mch_id, valid_for)
    return MerchantKey(
        private_key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        serial=cert_serialno(certificate),
    )


def cert_serialno(certificate: x509.Certificate) -> str:
    """The serial number as the interface wants it: 40 upper-case hex digits."""
    return format(certificate.serial_number, f"0{SERIAL_DIGITS}X")


def _serial_number(serial: str) -> int:
    number = int(serial, 16)
    if not 0 < number < 1 << 159:
        raise ValueError("serial: a certificate's serial number lies between 1 and 2**159 - 1")
    return number


def _self_signed(
    key: rsa.RSAPrivateKey, number: int, mch_id: str, valid_for: timedelta
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, mch_id)])
    end = datetime.now(timezone.utc) + valid_for
    start = min(datetime.now(timezone.utc), end) - timedelta(days=1)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), number, start, end)
    return builder.sign(key, hashes.SHA256())
