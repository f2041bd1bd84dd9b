"""The result of the last `realname_verify_audit`: kept in CACHE_ALIAS, signed by the trail's keys.

It isn't kept in the database: the verifier needs no right to write there, and nobody who can change the
database must be able to forge the result. Without a valid entry in the cache, no result is known.
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

from ... import audit
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
    """Keep the result of the run that ends now, unless the cache is down or lies in the database."""
    cache = Cache()
    if isinstance(cache.backend, BaseDatabaseCache):
        return
    numbers = sorted(each.number for each in checkpoints)
    at = timezone.now().isoformat()
    text = json.dumps({"verified": at, "seal": seal, "checkpoints": numbers, "faults": faults})
    signature = audit.sign(text)
    with suppress(CacheUnavailable):
        cache.set(_KEY, [text, signature.key_id, signature.hex], None)


def last_verified() -> Verified | None:
    """The last run, if its result is known."""
    try:
        kept = Cache().get(_KEY)
    except CacheUnavailable:
        return None
    return _read(kept)


def _read(kept: Any) -> Verified | None:
    """None for an entry that `remember` didn't write: others may write to the cache."""
    try:
        text, key_id, hex_ = kept
        result = json.loads(text) if audit.signed_by(text, key_id, hex_) else {}
        return Verified(
            datetime.fromisoformat(result["verified"]),
            result["seal"],
            result["checkpoints"],
            result["faults"],
        )
    except (TypeError, ValueError, KeyError):
        return None
