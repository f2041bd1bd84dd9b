"""Bulk export: an event before the first row, and one at the end with the number of rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ... import audit, conf
from ...exceptions import DecryptionError, InvalidRequest
from ...managers import VerificationQuerySet
from ...models import AuditEvent, Verification
from ...personal_data import PersonalData
from ...uuid7 import uuid7
from ...vault.opening import open_all
from .. import facts, keyset, trust
from ..once import durable_once, require_unsent
from ..reasons import require_reason
from ..transactions import append_durably, durable
from . import approval

BATCH = 1_000  # records in memory at once
TOO_MANY = _(
    "There are more than %(limit)d records, which EXPORT_LIMIT allows for one export in plain text: "
    "narrow the filters."
)
TOO_MANY_FOR_THE_FILE = _(
    "There are more than %(limit)d records, the most for a workbook: narrow the filters, or choose CSV."
)


@dataclass(frozen=True)
class Exported:
    """An exported record; `personal_data` only in a plain export, and where it is stored."""

    verification: Verification
    personal_data: PersonalData | None
    unreadable: bool = False


def export(
    rows: VerificationQuerySet,
    *,
    actor: Any,
    plain: bool,
    reason: str = "",
    case_number: str = "",
    filters: Mapping[str, str] | None = None,
    request: Any = None,
    most: int | None = None,
    event_id: UUID | None = None,
) -> Generator[Exported, None, None]:
    """The records, newest first, in constant memory; the event is committed when this returns.

    `filters` says in the event how the rows were chosen; the file takes at most `most` rows. `event_id` is
    the event's id: a second call with it raises `AlreadySent`. Raises `InvalidRequest` for a plain export
    without a reason, and for too many rows; `Misconfigured` where keys can't be opened. When the iterator
    ends, or is closed early, a second event has the number of rows.
    """
    require_reason(reason, approval.MAX_REASON, blank=not plain, case_number=case_number)
    open_all()
    chosen, using = chosen_by(filters), router.db_for_write(AuditEvent)
    require_unsent(AuditEvent, event_id, using)
    _require_few(rows, most, TOO_MANY_FOR_THE_FILE)
    released = None
    if plain:
        _require_few(rows, conf.current().export_limit, TOO_MANY)
        released = approval.use(actor=actor, chosen=chosen)
    origin = audit.Origin.of(actor, request)
    described = facts.exported(
        plain=plain, request=released.pk if released else None, chosen=chosen, reason=reason
    )
    with durable_once(AuditEvent, event_id, using):
        begun = audit.append(
            AuditEvent.Event.EXPORT,
            origin,
            using=using,
            reason=described,
            case_number=case_number,
            id=event_id or uuid7(),
        )
    return _handed_out(rows.defer(None), plain, origin, begun)


def chosen_by(filters: Mapping[str, str] | None) -> str:
    """How the rows were chosen, in the trail's form."""
    return ", ".join(f"{name}={value}" for name, value in (filters or {}).items()) or facts.ALL


def _require_few(rows: QuerySet[Verification], limit: int | None, words: Promise) -> None:
    """Raises `InvalidRequest` where there are more rows."""
    if limit is not None and rows[limit : limit + 1].exists():
        raise InvalidRequest(errors={"content": [str(words) % {"limit": limit}]})


def _handed_out(
    rows: QuerySet[Verification], plain: bool, origin: audit.Origin, begun: AuditEvent
) -> Generator[Exported, None, None]:
    count, complete = 0, False
    try:
        for batch in keyset.batches(rows, BATCH):
            trusted = {row.pk for row in _named(batch, origin, begun)}
            for row in batch:
                exported = _export_row(row, plain) if row.pk in trusted else _refused(row)
                count += 1
                yield exported
        complete = True
    finally:
        reason = facts.ended(count, complete=complete, export=begun.pk)
        using = router.db_for_write(AuditEvent)
        append_durably(AuditEvent.Event.EXPORT_ENDED, origin, using=using, reason=reason)


def _named(
    batch: list[Verification], origin: audit.Origin, begun: AuditEvent
) -> list[Verification]:
    """The rows that agree with the trail; the event that lists them is committed first."""
    using = router.db_for_write(AuditEvent)
    trusted = trust.comparable(batch, origin)
    with durable(using):
        audit.append_access(
            AuditEvent.Event.EXPORT_PART,
            origin,
            [row.pk for row in trusted],
            using=using,
            reason=begun.reason,
            case_number=begun.case_number,
        )
    return trusted


def _export_row(row: Verification, plain: bool) -> Exported:
    """The exported row. One that can't be decrypted is marked, and the export goes on."""
    if not plain:
        return Exported(row, None)
    try:
        return Exported(row, row.personal_data())
    except DecryptionError:
        return _refused(row)


def _refused(row: Verification) -> Exported:
    return Exported(row, None, unreadable=True)
