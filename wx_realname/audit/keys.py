"""The keys of outcome codes and seals: AUDIT_KEYS, and those derived from INDEX_KEYS.

Where AUDIT_KEYS is unset the derived ones write; once it is set they still match what they wrote.
"""

from __future__ import annotations

from functools import lru_cache

from .. import conf
from ..vault.blind_index import BlindIndex, blind_index
from ..vault.keyring import VERSION, derive


def index(purpose: str) -> BlindIndex:
    """HMACs of that purpose."""
    settings = conf.current()
    return blind_index(settings.audit_keys + _derived(settings.index_keys), purpose)


@lru_cache(maxsize=8)
def _derived(index_keys: tuple[conf.HashKey, ...]) -> tuple[conf.HashKey, ...]:
    info = f"wx_realname/{VERSION}/audit"
    return tuple(
        conf.HashKey(f"index:{key.key_id}", derive(key.material, conf.HASH_KEY_BYTES, info))
        for key in index_keys
    )
