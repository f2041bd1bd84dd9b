"""Sealing: unsealed events become a Merkle tree, whose root is linked to the seal before and signed.

Writers only insert events, and never wait for a sealer. Unsealed events are found by their empty
`seal`, not by time or id, since commits come out of order.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
    transaction,
)
from django.db.models import QuerySet
from django.utils import timezone

from .. import databases, statements
from ..models import AuditEvent, AuditSeal
from ..moments import utc_text
from ..vault.blind_index import Digest
from . import keys, merkle
from .trail import Origin, append

logger = logging.getLogger(__name__)

FORMAT = 1  # SHA-256; a seal under an HMAC-SM3 key is of FORMAT_SM3, all of it SM3
FORMAT_SM3 = 2
HASHES = {FORMAT: merkle.sha256, FORMAT_SM3: merkle.sm3}
BATCH = 10_000  # events of one seal, beside its own: what is held in memory at once
FIRST = "0" * 64  # what the first seal is linked to
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds at most before each further try
_CHUNK = 500  # ids of one UPDATE

#: An event's fields in the order of its leaf. A change of either is a new format.
FIELDS = (
    "id",
    "event",
    "created_at",
    "actor_id",
    "user_id",
    "ip_address",
    "verification_id",
    "merchant",
    "method",
    "status",
    "attempt",
    "error_code",
    "errcode",
    "duration_ms",
    "reason",
    "case_number",
    "consent_id",
    "purpose",
    "minor",
    "records",
    "records_digest",
    "answer_digest",
    "openid_digest",
    "outcome_hmac",
    "outcome_key_id",
)


TAKEN_OVER = (
    "seal %d records that AUDIT_KEYS took over: it vouches for %d events signed by keys derived from "
    "INDEX_KEYS, and for %d lists of accesses"
)


def seal(*, batch_size: int = BATCH) -> Iterator[AuditSeal]:
    """Seal all unsealed events, one seal for each batch, and yield the seals. Safe to run twice at once.

    Every seal covers an event of its own, so each run makes at least one.
    """
    using, taken = router.db_for_write(AuditEvent), keys.to_take_over()
    while True:
        made = _seal_batch(using, batch_size)
        if taken:
            logger.warning(TAKEN_OVER, made.number, taken.events, taken.lists)
            taken = None
        yield made
        if made.count <= batch_size:
            return


def unsealed(using: str | None = None) -> QuerySet[AuditEvent]:
    """Unsealed events, oldest first: in the order of the index, so that nothing is sorted.

    After `seal IS NULL`, PostgreSQL uses the index's order only if `seal` is in the ORDER BY; MariaDB
    sorts if it is.
    """
    rows = AuditEvent.objects.using(using).filter(seal=None)
    first = ["seal"] if databases.is_postgresql(connections[rows.db]) else []
    return rows.order_by(*first, "created_at")


def _seal_batch(using: str, batch_size: int) -> AuditSeal:
    """Make one seal; try again when another sealer took its number, and a few times after a deadlock."""
    pauses = iter(PAUSES)
    while True:
        before = _last_number(using)
        try:
            return _make_seal(using, batch_size)
        except (IntegrityError, OperationalError):
            now = _last_number(using)
            pause = next(pauses, None) if now in (None, before) else PAUSES[0]
            if pause is None:
                raise
        time.sleep(pause * random.random())  # noqa: S311 - jitter


def _last_number(using: str) -> int | None:
    """None where there is no seal, or the database doesn't answer."""
    numbers = AuditSeal.objects.using(using).order_by("-number").values_list("number", flat=True)
    try:
        return numbers.first()
    except (OperationalError, InterfaceError):
        return None


def _make_seal(using: str, batch_size: int) -> AuditSeal:
    with transaction.atomic(using=using, durable=True):
        own = append(AuditEvent.Event.SEAL, Origin(), using=using)
        # the seal of the change takes all events: what derived keys signed isn't trusted after it
        size = None if keys.change_is_unrecorded() else batch_size
        events = [own, *unsealed(using).exclude(pk=own.pk)[:size]]
        last = AuditSeal.objects.using(using).only("number", "hash").order_by("-number").first()
        made = _sign(last, events)
        statements.insert(made, using)
        _mark(using, [event.pk for event in events], made.number)
    return made


def _sign(last: AuditSeal | None, events: list[AuditEvent]) -> AuditSeal:
    key = keys.writing_key()
    format_ = FORMAT_SM3 if key.algorithm == "HMAC-SM3" else FORMAT
    members = members_of(events, format_)
    made = AuditSeal(
        format=format_,
        number=last.number + 1 if last else 1,
        previous=last.hash if last else FIRST,
        root=root_of(members, format_),
        count=len(events),
        members=b"".join(id_ + leaf for id_, leaf in members),
        created_at=timezone.now(),
        key_id=key.key_id,
    )
    made.hash = hash_of(made)
    made.hmac = signatures(made.hash)[0].hex
    return made


def _mark(using: str, ids: list[UUID], number: int) -> None:
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        ours = AuditEvent.objects.using(using).filter(pk__in=chunk, seal=None)
        if ours.update(seal=number) != len(chunk):
            raise IntegrityError("another sealer took an event")


Members = list[tuple[bytes, bytes]]  # an event's id and its leaf's hash


def members_of(events: list[AuditEvent], format_: int = FORMAT) -> Members:
    """The events' ids and leaf hashes, in the order of the ids: how a seal lists what it covers."""
    hash_ = HASHES[format_]
    return sorted(
        (event.pk.bytes, merkle.leaf_hash(leaf(event, format_), hash_)) for event in events
    )


def listed(seal: AuditSeal) -> Members:
    """The members as the seal lists them. Raises ValueError for a list that was cut or replaced."""
    size = 16 + merkle.HASH_BYTES
    if not isinstance(seal.members, (bytes, memoryview)):  # SQLite stores values of any type
        raise ValueError("the list of members isn't bytes")
    data = bytes(seal.members)
    if len(data) != size * seal.count:
        raise ValueError("the list of members doesn't fit the count")
    return [(data[at : at + 16], data[at + 16 : at + size]) for at in range(0, len(data), size)]


def root_of(members: Members, format_: int = FORMAT) -> str:
    """The Merkle root over the members, in hex."""
    return merkle.root((leaf_hash for _, leaf_hash in members), HASHES[format_]).hex()


def leaf(event: AuditEvent, format_: int = FORMAT) -> bytes:
    """The sealed form of an event: all its fields, as JSON."""
    return _json([format_, *(_plain(getattr(event, name)) for name in FIELDS)])


def hash_of(seal: AuditSeal) -> str:
    """The hash over a seal and the hash of the one before: the chain's next link, in hex.

    It covers the key's id, so that the first seal under AUDIT_KEYS can't be given to a derived key.
    """
    link = [seal.format, seal.number, seal.previous, seal.root, seal.count]
    link += [_plain(seal.created_at), seal.key_id]
    return merkle.leaf_hash(_json(link), HASHES[seal.format]).hex()


def signatures(hash_: str) -> list[Digest]:
    """HMACs of a seal's hash under AUDIT_KEYS, the writing key's first."""
    return keys.index("audit.seal").digests(hash_)


def is_signed(seal: AuditSeal) -> bool:
    """Whether the key that the seal names signed its hash."""
    return keys.bears_out(signatures(seal.hash), seal.key_id, seal.hmac)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    return str(value) if isinstance(value, UUID) else value


def _json(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
