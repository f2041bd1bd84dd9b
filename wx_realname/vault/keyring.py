"""Which key a ciphertext needs, and what it is bound to: the envelope of format version 1.

    version (1 byte, 01) | algorithm (1) | length of key id (1) | key id | nonce (12) | ciphertext | tag (16)

The associated data is the header, then column and row, each after its length (2 bytes, big-endian).
The key of a column comes from the configured key by HKDF-SHA256 with
`info = "wx_realname/1/encrypt/<algorithm>/<column>"`; a column is written "table.column".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..conf import KEY_BYTES, EncryptionKey
from ..exceptions import DecryptionError
from . import ciphers

VERSION = 1
_ALGORITHM_CODES = {"AES-256-GCM": 1, "SM4-GCM": 2}


def derive(material: bytes, length: int, info: str) -> bytes:
    """A key for one purpose (HKDF-SHA256, no salt)."""
    return HKDF(SHA256(), length, salt=None, info=info.encode()).derive(material)


@dataclass(frozen=True)
class Header:
    """What an envelope says of itself."""

    algorithm_code: int
    key_id: str

    def __bytes__(self) -> bytes:
        key_id = self.key_id.encode()
        return bytes((VERSION, self.algorithm_code, len(key_id))) + key_id

    @classmethod
    def of(cls, envelope: bytes) -> Header:
        """Raises `DecryptionError` for what isn't an envelope, plain text for one."""
        end = 3 + (envelope[2] if len(envelope) > 3 else 0)
        key_id = envelope[3:end].decode("ascii", "replace")
        if len(envelope) < max(end, 4) or envelope[0] != VERSION or not key_id.isascii():
            raise DecryptionError("this is not a ciphertext of ours (a plain value, perhaps)")
        return cls(envelope[1], key_id)


class ColumnCipher:
    """Encrypts and decrypts the values of one column ("table.column"), each bound to its row."""

    def __init__(self, keys: tuple[EncryptionKey, ...], column: str) -> None:
        self._column = column
        self._first = _header(keys[0])
        self._ciphers = {_header(key): _cipher(key, column) for key in keys}

    def encrypt(self, plaintext: str, row: bytes) -> bytes:
        """The envelope, by the first key."""
        header = self._first
        aad = self._associated_data(header, row)
        return bytes(header) + ciphers.encrypt(self._ciphers[header], plaintext.encode(), aad)

    def decrypt(self, envelope: bytes, row: bytes) -> str:
        """The text, by the key that the envelope names. Raises `DecryptionError`."""
        header = Header.of(envelope)
        if header not in self._ciphers:
            # The id comes from the database: quoted, so that it can't forge a line of the log.
            raise DecryptionError(f"ENCRYPTION_KEYS has no key {header.key_id!r} of that algorithm")
        sealed = envelope[len(bytes(header)) :]
        aad = self._associated_data(header, row)
        return ciphers.decrypt(self._ciphers[header], sealed, aad).decode()

    def _associated_data(self, header: Header, row: bytes) -> bytes:
        parts = (bytes(header), self._column.encode(), row)
        return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def _header(key: EncryptionKey) -> Header:
    return Header(_ALGORITHM_CODES[key.algorithm], key.key_id)


def _cipher(key: EncryptionKey, column: str) -> ciphers.AEAD:
    info = f"wx_realname/{VERSION}/encrypt/{key.algorithm}/{column}"
    return ciphers.aead(key.algorithm, derive(key.material, KEY_BYTES[key.algorithm], info))


@lru_cache(maxsize=64)
def column_cipher(keys: tuple[EncryptionKey, ...], column: str) -> ColumnCipher:
    """The cipher of a column, its keys derived once a process."""
    return ColumnCipher(keys, column)
