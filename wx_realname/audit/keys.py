"""The keys of outcome codes and seals: AUDIT_KEYS, and those derived from INDEX_KEYS.

Where AUDIT_KEYS is unset the derived ones write; once it is set they still match what they wrote.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import router

from .. import conf
from ..models import AuditEvent, AuditSeal
from ..vault.blind_index import HASHES, BlindIndex, Digest, blind_index
from ..vault.keyring import VERSION, derive
from ..vault.opening import material


def index(purpose: str) -> BlindIndex:
    """HMACs of that purpose."""
    settings = conf.current()
    return blind_index(settings.audit_keys + _derived(settings.index_keys), purpose)


def writing_algorithm() -> str:
    """The algorithm of the key that signs now: "HMAC-SHA256" or "HMAC-SM3"."""
    settings = conf.current()
    return (settings.audit_keys or settings.index_keys)[0].algorithm


def bears_out(digests: Iterable[Digest], key_id: Any, hex_: Any) -> bool:
    """Whether what is stored is the digest by that key: never by a key that isn't in the settings.

    What is stored may be anything: somebody may have tampered with it.
    """
    stored = str(hex_).encode("utf-8", "surrogatepass")
    ours = (digest.hex.encode() for digest in digests if digest.key_id == key_id)
    return any(hmac.compare_digest(one, stored) for one in ours)


def needing(index_key_id: str) -> int:
    """How many outcome codes and seals can be verified only with what is derived from that key."""
    key_id = _derived_id(index_key_id)
    using = router.db_for_write(AuditEvent)
    codes = AuditEvent.objects.using(using).filter(outcome_key_id=key_id).count()
    return codes + AuditSeal.objects.using(using).filter(key_id=key_id).count()


def _derived_id(index_key_id: str) -> str:
    """The key id of what is derived from that key of INDEX_KEYS."""
    return f"index:{index_key_id}"


@lru_cache(maxsize=8)
def _derived(index_keys: tuple[conf.HashKey, ...]) -> tuple[conf.HashKey, ...]:
    info = f"wx_realname/{VERSION}/audit"
    return tuple(
        conf.HashKey(
            _derived_id(key.key_id),
            derive(material(key), conf.HASH_KEY_BYTES, info, HASHES[key.algorithm]),
            key.algorithm,
        )
        for key in index_keys
    )
