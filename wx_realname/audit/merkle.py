"""Merkle tree hashing as RFC 6962 §2.1 has it: SHA-256, leaves and nodes told apart by a prefix."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over the leaves, in their order, in memory that grows with the logarithm."""
    perfect: list[tuple[int, bytes]] = []  # subtrees, larger ones first: (height, hash)
    for current in leaf_hashes:
        height = 0
        while perfect and perfect[-1][0] == height:
            current = node_hash(perfect.pop()[1], current)
            height += 1
        perfect.append((height, current))
    if not perfect:
        return EMPTY
    _, current = perfect.pop()
    while perfect:
        current = node_hash(perfect.pop()[1], current)
    return current
