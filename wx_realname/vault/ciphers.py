"""Authenticated encryption of one text: AES-256-GCM and SM4-GCM (GB/T 32907), 96-bit random nonces."""

from __future__ import annotations

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..exceptions import DecryptionError

NONCE_BYTES = 12
TAG_BYTES = 16


class AEAD(Protocol):
    """`encrypt` gives ciphertext and tag; `decrypt` raises InvalidTag for anything altered."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class SM4GCM:
    """SM4 in GCM, with the calling convention of cryptography's AESGCM."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        tag = data[-TAG_BYTES:]
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-TAG_BYTES]) + decryptor.finalize()


def aead(algorithm: str, key: bytes) -> AEAD:
    """The cipher by its name in ENCRYPTION_KEYS."""
    return AESGCM(key) if algorithm == "AES-256-GCM" else SM4GCM(key)


def encrypt(cipher: AEAD, plaintext: bytes, associated_data: bytes) -> bytes:
    """Nonce, ciphertext and tag."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plaintext, associated_data)


def decrypt(cipher: AEAD, sealed: bytes, associated_data: bytes) -> bytes:
    """The plaintext. Raises `DecryptionError` if it was altered, cut, or bound to something else."""
    if len(sealed) >= NONCE_BYTES + TAG_BYTES:
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
        except InvalidTag:
            pass
    raise DecryptionError("the ciphertext was altered, cut, or belongs to another row or column")
