"""A signed list of erased records, kept outside the database: after a restore they are erased again.

A line is JSON: `id`, `erased_at` (UTC), `key_id`, `hmac` (by AUDIT_KEYS over both; by keys derived from
INDEX_KEYS while AUDIT_KEYS are unset).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router

from ... import audit
from ...models import Verification
from ...moments import utc_text
from .. import keyset
from ..rights.erasure import HOLDING, erase_all, with_users
from ..transactions import persistently

BATCH = 500
REASON = "erased before a restore"
Status = Verification.Status


@dataclass(frozen=True)
class Erasure:
    """One record that was erased, and when."""

    record: UUID
    erased_at: str


class Unsigned(ValueError):
    """A line that is malformed, or that AUDIT_KEYS didn't sign."""


def erasures(*, batch_size: int = BATCH) -> Iterator[str]:
    """A signed line for every erased record, in the order of their ids."""
    erased = Verification.objects.deciding().filter(status=Status.ERASED)
    for row in keyset.by_id(erased.only("erased_at"), batch_size):
        yield _line(row.pk, utc_text(row.erased_at))


def parse(line: str) -> Erasure:
    """The erasure of a line. Raises `Unsigned`."""
    try:
        fields = json.loads(line)
        record, erased_at = UUID(str(fields["id"])), str(fields["erased_at"])
        signed = audit.signed_by(_signed_text(record, erased_at), fields["key_id"], fields["hmac"])
    except (ValueError, KeyError, TypeError, RecursionError):
        signed = False
    if not signed:
        raise Unsigned
    return Erasure(record, erased_at)


def came_back(known: Iterable[Erasure], *, batch_size: int = BATCH) -> Iterator[Erasure]:
    """The erasures whose records hold personal data again."""
    for batch in _batches(known, batch_size):
        alive = Verification.objects.deciding().filter(status__in=HOLDING)
        pks = set(alive.filter(pk__in=[each.record for each in batch]).values_list("pk", flat=True))
        yield from (each for each in batch if each.record in pks)


def replay(known: Iterable[Erasure], *, batch_size: int = BATCH) -> Iterator[UUID]:
    """Erase again the records that came back, and yield them. Safe to run twice at once, and again."""
    using = router.db_for_write(Verification)
    for batch in _batches(known, batch_size):
        rows = Verification.objects.using(using).filter(status__in=HOLDING)
        found = list(with_users(rows.filter(pk__in=[each.record for each in batch])))
        if found:
            erase = partial(erase_all, found, audit.Origin(), REASON, using, HOLDING)
            erased = persistently(erase, using)
            yield from (row.pk for row in erased)


def _batches(known: Iterable[Erasure], size: int) -> Iterator[list[Erasure]]:
    batch: list[Erasure] = []
    for each in known:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _line(record: UUID, erased_at: str) -> str:
    signature = audit.sign(_signed_text(record, erased_at))
    fields: dict[str, Any] = {"id": str(record), "erased_at": erased_at}
    return json.dumps(fields | {"key_id": signature.key_id, "hmac": signature.hex})


def _signed_text(record: UUID, erased_at: str) -> str:
    return f"erasure {record} {erased_at}"
