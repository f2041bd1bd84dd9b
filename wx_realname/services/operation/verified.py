"""What `realname_verify_audit` found when it last ran: kept in CACHE_ALIAS, signed by the trail's keys.

The database isn't written: the verifier needs no right to, and whoever can change it must not be able to
say that all is well. Without the cache's entry, or with one that the keys don't bear out, nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache.backends.db import BaseDatabaseCache
from django.db import router
from django.utils import timezone

from ... import audit, conf
from ...models import AuditSeal
from ..cache import Cache, CacheUnavailable

_KEY = "wx_realname:verified"


@dataclass(frozen=True)
class Verified:
    """One run: when, up to which seal, against the checkpoints of which seals, with how many faults."""

    at: datetime
    seal: int | None
    checkpoints: list[int]
    faults: int


def last_seal() -> AuditSeal | None:
    """The newest seal on the write database, without its long list of members."""
    seals = AuditSeal.objects.using(router.db_for_write(AuditSeal))
    return seals.only("number", "created_at").order_by("-number").first()


def remember(*, seal: int | None, checkpoints: Iterable[audit.Checkpoint], faults: int) -> None:
    """Keep the result of the run that ends now; not in a cache that is down, or in the database."""
    if isinstance(_cache().backend, BaseDatabaseCache):
        return
    numbers = sorted(each.number for each in checkpoints)
    told = {"verified": timezone.now().isoformat(), "seal": seal, "checkpoints": numbers}
    text = json.dumps({**told, "faults": faults})
    signature = audit.sign(text)
    with suppress(CacheUnavailable):
        _cache().set(_KEY, [text, signature.key_id, signature.hex], None)


def last_verified() -> Verified | None:
    """The last run that is known here."""
    try:
        kept = _cache().get(_KEY)
    except CacheUnavailable:
        return None
    return _read(kept)


def _read(kept: Any) -> Verified | None:
    """None for what `remember` didn't write: somebody else may have."""
    try:
        text, key_id, hex_ = kept
        told = json.loads(text) if audit.signed_by(text, key_id, hex_) else {}
        return Verified(
            datetime.fromisoformat(told["verified"]),
            told["seal"],
            told["checkpoints"],
            told["faults"],
        )
    except (TypeError, ValueError, KeyError):
        return None


def _cache() -> Cache:
    return Cache(conf.current().cache_alias)
