"""Handing records out in bulk: an event before the first row, and one that tells how many went out."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import router
from django.db.models import QuerySet

from ... import audit
from ...exceptions import DecryptionError, InvalidRequest
from ...managers import VerificationQuerySet
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData, Secret
from ...text import clean_text
from .. import keyset
from ..transactions import durable

BATCH = 1_000  # records in memory at once
MAX_REASON = 100  # the filters stand beside it in the event


@dataclass(frozen=True)
class Exported:
    """A record on its way out; `personal_data` only in a plain export, and where it is stored."""

    verification: Verification
    personal_data: PersonalData | None
    unreadable: bool = False


def export(
    rows: VerificationQuerySet,
    *,
    actor: Any,
    plain: bool,
    reason: str = "",
    filters: Mapping[str, str] | None = None,
    request: Any = None,
) -> Generator[Exported, None, None]:
    """The records, newest first, in constant memory; the event is committed when this returns.

    `filters` is how the rows were chosen, for the event. Raises `InvalidRequest` for a plain export
    without a reason. When the iterator ends, or is closed early, a second event has the number of rows.
    """
    if fault := clean_text(Secret(reason), MAX_REASON, blank=not plain):
        raise InvalidRequest(errors={"reason": [str(fault)]})
    origin = audit.Origin.of(actor, request)
    chosen = ", ".join(f"{name}={value}" for name, value in (filters or {}).items()) or "all"
    begun = _append(
        AuditEvent.Event.EXPORT, origin, f"{'plain' if plain else 'masked'}; {chosen}; {reason}"
    )
    wanted = rows.defer(None) if plain else rows.without_ciphertexts()
    return _handed_out(wanted, plain, origin, begun)


def _append(event: AuditEvent.Event, origin: audit.Origin, reason: str) -> AuditEvent:
    using = router.db_for_write(AuditEvent)
    with durable(using):
        return audit.append(event, origin, using=using, reason=reason)


def _handed_out(
    rows: QuerySet[Verification], plain: bool, origin: audit.Origin, begun: AuditEvent
) -> Generator[Exported, None, None]:
    count, end = 0, "cut short"
    try:
        for row in keyset.in_batches(rows, BATCH):
            count += 1
            yield _opened(row) if plain else Exported(row, None)
        end = "complete"
    finally:
        _append(AuditEvent.Event.EXPORT_ENDED, origin, f"rows: {count}, {end}; export {begun.pk}")


def _opened(row: Verification) -> Exported:
    """One record that can't be read doesn't stop the rest."""
    try:
        return Exported(row, row.personal_data())
    except DecryptionError:
        return Exported(row, None, unreadable=True)
