"""Which records need which key: by the headers of their ciphertexts, in SQL, without decryption."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from ... import audit, conf
from ...managers import VerificationQuerySet
from ...models import Verification
from ...vault.keyring import header_of, headers_of
from ..missing_keys import NAME, NUMBER, not_under, opened_by, under


@dataclass(frozen=True)
class EncryptionKeyUse:
    """A key of ENCRYPTION_KEYS, and how many records have a ciphertext under it."""

    key_id: str
    algorithm: str
    records: int


@dataclass(frozen=True)
class IndexKeyUse:
    """A key of INDEX_KEYS, and what was made with it.

    `indexed`: records whose blind indexes it made; `token_digests`: records whose token's digest it made,
    without faces, which have no token; `audit`: outcome codes and seals under a key derived from it.
    """

    key_id: str
    indexed: int
    token_digests: int
    audit: int


@dataclass(frozen=True)
class KeyUse:
    """The use of each key of the settings. `strays`: records with a ciphertext under another key."""

    encryption: tuple[EncryptionKeyUse, ...]
    index: tuple[IndexKeyUse, ...]
    strays: int
    stale: int


def key_use() -> KeyUse:
    """Count the uses in one pass over the records (and one over the trail for each of INDEX_KEYS)."""
    settings = conf.current()
    keys, hash_keys = settings.encryption_keys, settings.index_keys
    counts = {f"under_{n}": _count(under(headers_of(key))) for n, key in enumerate(keys)}
    for n, hash_key in enumerate(hash_keys):
        counts[f"indexed_{n}"] = _count(Q(index_key_id=hash_key.key_id))
        tokens = Q(token_key_id=hash_key.key_id) & ~Q(method=Verification.Method.FACE)
        counts[f"tokens_{n}"] = _count(tokens)
    counts |= {"strays": _count(not_under(opened_by(keys))), "stale": _count(_is_stale())}
    found = Verification.objects.deciding().aggregate(**counts)
    return KeyUse(
        encryption=tuple(
            EncryptionKeyUse(key.key_id, key.algorithm, found[f"under_{n}"])
            for n, key in enumerate(keys)
        ),
        index=tuple(
            IndexKeyUse(
                key.key_id, found[f"indexed_{n}"], found[f"tokens_{n}"], audit.needing(key.key_id)
            )
            for n, key in enumerate(hash_keys)
        ),
        strays=found["strays"],
        stale=found["stale"],
    )


def stale() -> VerificationQuerySet:
    """Records with a ciphertext that isn't under the first key, or with an index that can be renewed."""
    return Verification.objects.deciding().filter(_is_stale())


def _is_stale() -> Q:
    settings = conf.current()
    both = Q(**{f"{NAME}__isnull": False, f"{NUMBER}__isnull": False})
    indexed = Q(index_key_id=settings.index_keys[0].key_id)
    named = Q(real_name_index__isnull=settings.name_index == "exact")  # missing, or unwanted
    stale = not_under([header_of(settings.encryption_keys[0])]) | both & (~indexed | named)
    return stale | named & Q(real_name_index__isnull=False)


def _count(test: Q) -> Count:
    return Count("pk", filter=test)
