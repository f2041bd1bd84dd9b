"""Verification of the trail: reads only, in batches, and yields each fault."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import AuditEvent, AuditSeal, Verification
from . import canonical, keys
from .access import access_faults
from .chain import Checkpoint, chain_faults
from .consents import consent_faults
from .reading import Progress, guarded, stored
from .records import BATCH, record_faults

NOT_RECORDED = gettext_lazy(
    "AUDIT_KEYS are set, and no seal records it yet: run realname_seal_audit; until then signatures by keys "
    "derived from INDEX_KEYS don't count"
)


@dataclass(frozen=True)
class Tail:
    """The unsealed events."""

    count: int
    oldest: datetime | None


def tail() -> Tail:
    """How many events are unsealed, and since when. Raises one of `UNREADABLE` where it can't be read."""
    unsealed = stored(AuditEvent).filter(seal=None)
    found = unsealed.aggregate(count=Count("pk"), oldest=Min("created_at"))
    return Tail(found["count"], found["oldest"])


@dataclass(frozen=True)
class Extent:
    """The number of rows to verify; `events` are the sealed ones."""

    seals: int
    events: int
    records: int


def extent() -> Extent:
    """The extent of what `faults` would read."""
    sealed = stored(AuditEvent).exclude(seal=None)
    return Extent(stored(AuditSeal).count(), sealed.count(), stored(Verification).count())


def faults(
    checkpoints: list[Checkpoint], progress: Progress, *, batch_size: int = BATCH
) -> Iterator[str]:
    """Every fault: first of the chain of seals, then of records against their events.

    `batch_size`: records at once; of events it is a seal's. Raises Django's database errors where the
    database doesn't answer, lacks a table or refuses.
    """
    missing: list[str] = []
    yield from guarded(_("the keys of the seals"), _key_faults(missing))
    yield from guarded(_("the chain of seals"), chain_faults(checkpoints, progress))
    yield from guarded(_("the spelling of ids and times"), canonical.faults())
    if not missing:  # else every record would seem to be forged
        yield from guarded(_("the records"), record_faults(progress, batch_size))
        yield from guarded(_("the consents"), consent_faults())
        yield from guarded(_("the accesses to records"), access_faults())


def _key_faults(missing: list[str]) -> Generator[str, None, None]:
    """A line for each missing key, instead of one for each of its seals."""
    for key_id, count, first in keys.missing():
        missing.append(key_id)
        words = ngettext(
            "%(setting)s lacks %(key)s, which signed %(count)d seal, number %(first)s: it can't be verified",
            "%(setting)s lacks %(key)s, which signed %(count)d seals, number %(first)s the first of them: "
            "they can't be verified",
            count,
        )
        setting, key = keys.place_of(key_id)
        yield words % {"setting": setting, "key": key, "count": count, "first": first}
    if keys.change_is_unrecorded():
        yield str(NOT_RECORDED)
