"""What keys derived from INDEX_KEYS still vouch for once AUDIT_KEYS are set: what was sealed until then.

A holder of INDEX_KEYS who writes to the database can sign an event, and give it the number of an old seal.
So an event counts only if its seal lists it as it is stored, and the seal is linked, seal by seal, to the
seal of the change: the first that a key of AUDIT_KEYS signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from .. import conf
from ..models import AuditEvent, AuditSeal
from . import keys, merkle
from .reading import UNREADABLE, stored, tolerate
from .sealing import FIRST, HASHES, hash_of, is_signed, leaf, listed, root_of


def disowned(events: Iterable[AuditEvent]) -> set[UUID]:
    """The events that a derived key signed and that no longer count.

    Reads a list of members for each seal that this process meets anew, else one event each by its id.
    """
    return without_trust(event.pk for event in events if keys.is_derived(event.outcome_key_id))


def trusted(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """The other events."""
    found = list(events)
    without = disowned(found)
    return [event for event in found if event.pk not in without]


def without_trust(ids: Iterable[UUID]) -> set[UUID]:
    """The same of the events with these ids, all of which a derived key signed."""
    signed = list(ids)
    if not signed or not conf.current().audit_keys:
        return set()
    linked, whole = _linked(), stored(AuditEvent).filter(pk__in=signed)
    return set(signed) - {event.pk for event in whole if _is_listed(event, linked)}


def _linked() -> dict[int, AuditSeal]:
    """The seal of the change and all before it, by their numbers; none if a link is broken anywhere.

    Where the link below it is broken, another seal may have been the first under AUDIT_KEYS.
    """
    seals = stored(AuditSeal).exclude(key_id__startswith=keys.DERIVED).order_by("number")
    try:
        change = seals.defer("members").first()
        return _down_from(change.number, change.hash) if change and is_signed(change) else {}
    except UNREADABLE as error:
        tolerate(error)
        return {}


@lru_cache(maxsize=2)
def _down_from(number: int, hash_: str) -> dict[int, AuditSeal]:
    linked: dict[int, AuditSeal] = {}
    seals = stored(AuditSeal).filter(number__lte=number).order_by("-number").defer("members")
    for seal in seals:
        if seal.format not in HASHES or hash_of(seal) != hash_:
            break
        linked[seal.number], hash_ = seal, seal.previous
    return linked if hash_ == FIRST else {}


def _is_listed(event: AuditEvent, linked: dict[int, AuditSeal]) -> bool:
    seal = linked.get(event.seal or 0)
    if seal is None:
        return False
    try:
        listed_as = _members(seal.number, seal.root, seal.format).get(event.pk.bytes)
    except (AuditSeal.DoesNotExist, *UNREADABLE) as error:
        tolerate(error)
        return False
    return listed_as == merkle.leaf_hash(leaf(event, seal.format), HASHES[seal.format])


@lru_cache(maxsize=8)  # a seal of 10,000 events takes about 2 MB
def _members(number: int, root: str, format_: int) -> dict[bytes, bytes]:
    """The leaf hashes that the root is made of, by the events' ids. Raises ValueError for another list."""
    members = listed(stored(AuditSeal).only("members", "count").get(number=number))
    if root_of(members, format_) != root:
        raise ValueError("the list of members doesn't fit the root")
    return dict(members)
