"""The sandbox's own certificate authority, to test clients over TLS."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE, AUTHORITY_FILE, SERVER_FILE = "ca.pem", "authority.pem", "server.pem"
HOSTS = ("localhost", "127.0.0.1", "::1")
CA_LIVES, SERVER_LIVES = timedelta(days=3650), timedelta(days=365)
RENEWED_EARLY = timedelta(days=7)


@dataclass(frozen=True)
class Identity:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """Both, as a web server takes them."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Tls:
    """The server's side of TLS, and the file of the CA that its clients must trust."""

    context: ssl.SSLContext
    ca_file: Path


def prepare(folder: Path, host: str) -> Tls:
    """Make CA and server certificate in `folder` (0700, keys 0600), or use existing ones.

    They are for localhost, 127.0.0.1, ::1 and `host`. A certificate that ends within a week is made anew,
    the CA only if its own does. Raises `OSError`, and `ValueError` for files that aren't this module's.
    """
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _read(folder / AUTHORITY_FILE)
    if authority is None or not _lasts(authority):
        authority = _make_authority()
        _write(folder / AUTHORITY_FILE, authority.pem())
    _write(folder / CA_FILE, authority.certificate.public_bytes(Encoding.PEM), mode=0o644)
    hosts = tuple(dict.fromkeys((*HOSTS, host)))
    server = _read(folder / SERVER_FILE)
    if server is None or not _serves(server, authority, hosts):
        _write(folder / SERVER_FILE, _make_server(authority, hosts).pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / SERVER_FILE)
    return Tls(context, folder / CA_FILE)


def _read(path: Path) -> Identity | None:
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    with contextlib.suppress(ValueError, TypeError):
        key = load_pem_private_key(pem, None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return Identity(key, x509.load_pem_x509_certificate(pem))
    raise ValueError(f"tls: {path} isn't what the sandbox wrote; remove it, or take another folder")


def _lasts(identity: Identity) -> bool:
    now, certificate = datetime.now(timezone.utc), identity.certificate
    fits = certificate.public_key() == identity.key.public_key()
    left = certificate.not_valid_after_utc - now
    return fits and certificate.not_valid_before_utc <= now and left > RENEWED_EARLY


def _serves(server: Identity, authority: Identity, hosts: tuple[str, ...]) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
        names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return _lasts(server) and set(_names(hosts)) <= set(names.value)


def _make_authority() -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("WeChat sandbox CA (for development only)")
    usage = _key_usage(ca=True)
    builder = _builder(name, name, key, CA_LIVES, key, path_length=0).add_extension(usage, True)
    return Identity(key, builder.sign(key, hashes.SHA256()))


def _make_server(authority: Identity, hosts: tuple[str, ...]) -> Identity:
    key, issuer = ec.generate_private_key(ec.SECP256R1()), authority.certificate.subject
    builder = _builder(_name("WeChat sandbox"), issuer, key, SERVER_LIVES, authority.key)
    for extension, critical in (
        (_key_usage(ca=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(_names(hosts)), False),
    ):
        builder = builder.add_extension(extension, critical)
    return Identity(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    lives: timedelta,
    issuer_key: ec.EllipticCurvePrivateKey,
    path_length: int | None = None,
) -> x509.CertificateBuilder:
    """The fields of both certificates; Python 3.13 refuses one without the key identifiers."""
    now, public_key = datetime.now(timezone.utc), key.public_key()
    start, number = now - timedelta(hours=1), x509.random_serial_number()
    ca = x509.BasicConstraints(ca=path_length is not None, path_length=path_length)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = x509.CertificateBuilder(issuer, subject, public_key, number, start, now + lives)
    builder = builder.add_extension(ca, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
    return builder.add_extension(issued_by, critical=False)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(hosts: tuple[str, ...]) -> list[x509.GeneralName]:
    return [
        x509.DNSName(host) if (address := _address(host)) is None else x509.IPAddress(address)
        for host in hosts
    ]


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write atomically, with `mode` from the first byte: two sandboxes may start at once."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
