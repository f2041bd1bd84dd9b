"""Merkle tree hashing by RFC 6962 §2.1: a prefix distinguishes leaves from nodes.

With SHA-256, or with SM3 (GB/T 32905) in its place: both have 256 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.hashes import SM3, Hash

HASH_BYTES = 32
HashFunction = Callable[[bytes], bytes]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """From cryptography: not every Python's hashlib has SM3."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def leaf_hash(data: bytes, hash_: HashFunction = sha256) -> bytes:
    return hash_(b"\x00" + data)


def node_hash(left: bytes, right: bytes, hash_: HashFunction = sha256) -> bytes:
    return hash_(b"\x01" + left + right)


def root(leaf_hashes: Iterable[bytes], hash_: HashFunction = sha256) -> bytes:
    """The root over the leaves in their order. Memory grows with the logarithm of their number."""
    perfect: list[tuple[int, bytes]] = []  # subtrees, larger ones first: (height, hash)
    for current in leaf_hashes:
        height = 0
        while perfect and perfect[-1][0] == height:
            current = node_hash(perfect.pop()[1], current, hash_)
            height += 1
        perfect.append((height, current))
    if not perfect:
        return hash_(b"")
    _, current = perfect.pop()
    while perfect:
        current = node_hash(perfect.pop()[1], current, hash_)
    return current
