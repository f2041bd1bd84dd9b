"""The keys of outcome codes and seals: AUDIT_KEYS, and those derived from INDEX_KEYS.

Where AUDIT_KEYS is unset, the derived keys sign. Once it is set, they are trusted only up to the first
seal that a key of AUDIT_KEYS signed: a holder of INDEX_KEYS could forge what came later.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import router
from django.db.models import Count, Min

from .. import conf
from ..models import AuditEvent, AuditSeal
from ..vault.blind_index import HASHES, BlindIndex, Digest, blind_index
from ..vault.keyring import VERSION, derive
from ..vault.opening import material

DERIVED = "index:"

_as_json = json.JSONEncoder(separators=(",", ":")).encode


def index(purpose: str) -> BlindIndex:
    """The HMACs of that purpose."""
    settings = conf.current()
    return blind_index(settings.audit_keys + _derive(settings.index_keys), purpose)


def digests(purpose: str, covered: list[Any]) -> list[Digest]:
    """HMACs of that purpose over these values, as JSON: the writing key's first."""
    return index(purpose).digests(_as_json(covered))


def sign(text: str) -> Digest:
    """An HMAC over a text that is kept outside the database."""
    return index("audit.outside").digest(text)


def signed_by(text: str, key_id: Any, hex_: Any) -> bool:
    """Whether `sign` made that HMAC of the text by that key: with AUDIT_KEYS set, by one of these."""
    digests = index("audit.outside").digests(text)
    if conf.current().audit_keys:
        digests = [digest for digest in digests if not is_derived(digest.key_id)]
    return bears_out(digests, key_id, hex_)


def writing_key() -> conf.HashKey:
    """The key that signs now: the first of AUDIT_KEYS, or derived from the first of INDEX_KEYS."""
    settings = conf.current()
    return (settings.audit_keys or _derive(settings.index_keys))[0]


def vouches_for_seal(seal: AuditSeal) -> bool:
    """Whether the seal's key is trusted: a derived key is, until the seal of the change."""
    if not is_derived(seal.key_id) or not conf.current().audit_keys:
        return True
    given_up = seal_of_change()
    return given_up is None or seal.number < given_up


def missing() -> list[tuple[str, int, Any]]:
    """Unknown keys of seals: the id, the number of seals, and the first of them."""
    seals = AuditSeal.objects.using(router.db_for_write(AuditSeal)).exclude(key_id__in=_known_ids())
    counted = seals.order_by("key_id").values_list("key_id").annotate(Count("pk"), Min("pk"))
    return [(str(key_id), count, first) for key_id, count, first in counted]


def missing_keys() -> Counter[str]:
    """Unknown keys, and how many outcomes and seals each of them signed: one pass over the trail."""
    counts = Counter({key_id: count for key_id, count, _first in missing()})
    events = AuditEvent.objects.using(router.db_for_write(AuditEvent)).order_by()
    others = events.exclude(outcome_key_id__in=["", *_known_ids()])
    for key_id, count in others.values_list("outcome_key_id").annotate(Count("pk")):
        counts[str(key_id)] += count
    return counts


def is_known(key_id: Any) -> bool:
    """Whether the settings have the key, or one that it is derived from."""
    return key_id in _known_ids()


def _known_ids() -> set[str]:
    settings = conf.current()
    derived = (_derived_id(key.key_id) for key in settings.index_keys)
    return {*(key.key_id for key in settings.audit_keys), *derived}


def is_derived(key_id: str) -> bool:
    """Whether the key is derived from one of INDEX_KEYS."""
    return key_id.startswith(DERIVED)


def place_of(key_id: str) -> tuple[str, str]:
    """The setting that has the key, or the one that it is derived from, and the id there."""
    setting = "INDEX_KEYS" if is_derived(key_id) else "AUDIT_KEYS"
    return setting, key_id.removeprefix(DERIVED)


def seal_of_change() -> int | None:
    """The number of the first seal that a key of AUDIT_KEYS signed; None before there is one."""
    seals = AuditSeal.objects.using(router.db_for_write(AuditSeal))
    own = seals.exclude(key_id__startswith=DERIVED).order_by("number")
    return own.values_list("number", flat=True).first()


def change_is_to_come() -> bool:
    """Whether AUDIT_KEYS are set, and none of them has signed a seal yet."""
    return bool(conf.current().audit_keys) and seal_of_change() is None


def change_is_unrecorded() -> bool:
    """Whether derived keys signed something before AUDIT_KEYS were set, and no seal says so yet."""
    if not change_is_to_come():
        return False
    using = router.db_for_write(AuditEvent)
    signed = AuditEvent.objects.using(using).filter(outcome_key_id__startswith=DERIVED)
    return AuditSeal.objects.using(using).exists() or signed.exists()


@dataclass(frozen=True)
class TakenOver:
    """What the seal of the change vouches for: events signed by derived keys, and lists of accesses.

    A list doesn't name its key, so all lists are counted.
    """

    events: int
    lists: int


def to_take_over() -> TakenOver | None:
    """What the next seal takes over; None unless it is the first under AUDIT_KEYS, and for nothing."""
    if not change_is_to_come():
        return None
    events = AuditEvent.objects.using(router.db_for_write(AuditEvent))
    signed = events.filter(outcome_key_id__startswith=DERIVED).count()
    lists = events.filter(records__isnull=False).count()
    return TakenOver(signed, lists) if signed or lists else None


def bears_out(digests: Iterable[Digest], key_id: Any, hex_: Any) -> bool:
    """Whether the stored value is the digest by that key; False for a key that isn't in the settings.

    The stored value may be of any type: somebody may have tampered with it.
    """
    stored = str(hex_).encode("utf-8", "surrogatepass")
    ours = (digest.hex.encode() for digest in digests if digest.key_id == key_id)
    return any(hmac.compare_digest(one, stored) for one in ours)


def signed(event: AuditEvent, digests: Iterable[Digest]) -> bool:
    """Whether the event's HMAC is one of the digests, by the key that it names."""
    return bears_out(digests, event.outcome_key_id, event.outcome_hmac)


def needing(index_key_id: str) -> int:
    """How many outcome codes and seals only a key derived from that key can verify."""
    key_id = _derived_id(index_key_id)
    using = router.db_for_write(AuditEvent)
    codes = AuditEvent.objects.using(using).filter(outcome_key_id=key_id).count()
    return codes + AuditSeal.objects.using(using).filter(key_id=key_id).count()


def _derived_id(index_key_id: str) -> str:
    """The id of the key derived from that key of INDEX_KEYS."""
    return f"{DERIVED}{index_key_id}"


@lru_cache(maxsize=8)
def _derive(index_keys: tuple[conf.HashKey, ...]) -> tuple[conf.HashKey, ...]:
    info = f"wx_realname/{VERSION}/audit"
    return tuple(
        conf.HashKey(
            _derived_id(key.key_id),
            derive(material(key), conf.HASH_KEY_BYTES, info, HASHES[key.algorithm]),
            key.algorithm,
        )
        for key in index_keys
    )
