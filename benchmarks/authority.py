"""A certificate authority of one's own, so that the upstream speaks TLS as WeChat does."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVER_PEM, BUNDLE_PEM = "server.pem", "bundle.pem"


def make_authority(folder: Path) -> None:
    """Write the server's key and certificate, and a CA bundle that vouches for it.

    The bundle is the usual one with ours added: who loads it at every call pays what it costs.
    """
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca, server = _certificate("benchmark CA", ca_key, ca_key), _certificate("WeChat", key, ca_key)
    plain = serialization.NoEncryption()
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    )
    (folder / SERVER_PEM).write_bytes(key_pem + _pem(server))
    (folder / BUNDLE_PEM).write_bytes(Path(certifi.where()).read_bytes() + b"\n" + _pem(ca))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now, day, is_ca = datetime.now(timezone.utc), timedelta(days=1), key is ca_key
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        for text in (name, "benchmark CA")
    )
    number = x509.random_serial_number()
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), number, now - day, now + day
    )
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, is_ca, is_ca, False, False)
    for extension, critical in (
        (x509.BasicConstraints(ca=is_ca, path_length=None), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (authority, False),
        (usage, True),
        (x509.SubjectAlternativeName([loopback]), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(ca_key, hashes.SHA256())
