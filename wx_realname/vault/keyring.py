"""Which key a ciphertext needs, and what it is bound to: the envelope of format versions 1 and 2.

    version (1 byte) | algorithm (1) | length of key id (1) | key id | nonce (12) | ciphertext | tag (16)

The associated data is the header, then column and row, each after its length (2 bytes, big-endian).
The key of a column comes from the configured key by HKDF with
`info = "wx_realname/<version>/encrypt/<algorithm>/<column>"`; a column is written "table.column".
Version 1 derives with SHA-256, version 2 with SM3: an SM4-GCM key writes version 2, and still opens
what it wrote in version 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256, SM3, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..conf import KEY_BYTES, EncryptionKey
from ..exceptions import DecryptionError
from . import ciphers
from .opening import material

VERSION = 1
_ALGORITHM_CODES = {"AES-256-GCM": 1, "SM4-GCM": 2}
#: The versions that a key's envelopes have: the first is written, all are opened.
_VERSIONS = {"AES-256-GCM": (1,), "SM4-GCM": (2, 1)}
_ALGORITHMS = {code: algorithm for algorithm, code in _ALGORITHM_CODES.items()}
_DERIVES: dict[int, HashAlgorithm] = {1: SHA256(), 2: SM3()}


def derive(material: bytes, length: int, info: str, hash_: HashAlgorithm | None = None) -> bytes:
    """A key for one purpose (HKDF with SHA-256, or with that hash; no salt)."""
    return HKDF(hash_ or SHA256(), length, salt=None, info=info.encode()).derive(material)


@dataclass(frozen=True)
class Header:
    """The header of an envelope."""

    algorithm_code: int
    key_id: str
    version: int = VERSION

    def __bytes__(self) -> bytes:
        key_id = self.key_id.encode()
        return bytes((self.version, self.algorithm_code, len(key_id))) + key_id

    @property
    def algorithm(self) -> str:
        return _ALGORITHMS[self.algorithm_code]

    def of_the_same_key(self) -> list[Header]:
        """The headers of all envelopes of that key, this one included."""
        versions = _VERSIONS[self.algorithm]
        return [Header(self.algorithm_code, self.key_id, version) for version in versions]

    @classmethod
    def of(cls, envelope: bytes) -> Header:
        """Raises `DecryptionError` for anything but an envelope."""
        end = 3 + (envelope[2] if len(envelope) > 3 else 0)
        key_id = envelope[3:end].decode("ascii", "replace")
        if len(envelope) < max(end, 4) or not _is_known(*envelope[:2]) or not key_id.isascii():
            raise DecryptionError(
                "this is not a ciphertext of wx_realname (a plain value, perhaps)"
            )
        return cls(envelope[1], key_id, envelope[0])


def _is_known(version: int, algorithm_code: int) -> bool:
    return version in _VERSIONS.get(_ALGORITHMS.get(algorithm_code, ""), ())


class ColumnCipher:
    """Encrypts and decrypts the values of one column ("table.column"), each bound to its row."""

    def __init__(self, keys: tuple[EncryptionKey, ...], column: str) -> None:
        # By header, each with the associated data up to the row: computed once, since a rotation needs
        # it millions of times.
        self._ciphers = {
            bytes(header): (
                _cipher(key, column, header.version),
                _after_length(bytes(header)) + _after_length(column.encode()),
            )
            for key in keys
            for header in headers_of(key)
        }
        self._header = bytes(header_of(keys[0]))
        self._first = self._ciphers[self._header]

    def encrypt(self, plaintext: str, row: bytes) -> bytes:
        """The envelope, by the first key."""
        return self._seal(plaintext.encode(), _after_length(row))

    def decrypt(self, envelope: bytes, row: bytes) -> str:
        """The text, by the key that the envelope names. Raises `DecryptionError`."""
        return self._open(envelope, _after_length(row)).decode()

    def renewed(self, envelope: bytes, row: bytes) -> bytes:
        """The envelope by the first key: unchanged where it has that key. Raises `DecryptionError`."""
        if envelope.startswith(self._header):
            return envelope
        end = _after_length(row)
        return self._seal(self._open(envelope, end), end)

    def _seal(self, plaintext: bytes, end: bytes) -> bytes:
        cipher, bound = self._first
        return self._header + ciphers.encrypt(cipher, plaintext, bound + end)

    def _open(self, envelope: bytes, end: bytes) -> bytes:
        header = envelope[: 3 + envelope[2]] if len(envelope) > 3 else b""
        known = self._ciphers.get(header)
        if known is None:
            # The id comes from the database: quoted, so that it can't forge a line of the log.
            key_id = Header.of(envelope).key_id
            raise DecryptionError(f"ENCRYPTION_KEYS has no key {key_id!r} of that algorithm")
        cipher, bound = known
        return ciphers.decrypt(cipher, envelope[len(header) :], bound + end)


def _after_length(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def header_of(key: EncryptionKey) -> Header:
    """The header of envelopes that this key makes."""
    return headers_of(key)[0]


def headers_of(key: EncryptionKey) -> tuple[Header, ...]:
    """The headers of envelopes that this key opens."""
    return tuple(Header(_ALGORITHM_CODES[key.algorithm], key.key_id).of_the_same_key())


def has_key_for(envelope: bytes, keys: Iterable[EncryptionKey]) -> bool:
    """False only for a ciphertext of an unknown key; `decrypt` refuses other values."""
    try:
        header = Header.of(envelope)
    except DecryptionError:
        return True
    return any(header in headers_of(key) for key in keys)


def _cipher(key: EncryptionKey, column: str, version: int) -> ciphers.AEAD:
    info = f"wx_realname/{version}/encrypt/{key.algorithm}/{column}"
    length = KEY_BYTES[key.algorithm]
    return ciphers.aead(key.algorithm, derive(material(key), length, info, _DERIVES[version]))


@lru_cache(maxsize=64)
def column_cipher(keys: tuple[EncryptionKey, ...], column: str) -> ColumnCipher:
    """The cipher of a column, its keys derived once a process."""
    return ColumnCipher(keys, column)
