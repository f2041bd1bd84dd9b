"""The trail's integrity at a glance: the last seal, and what isn't sealed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .. import audit
from ..models import AuditSeal

MOST = 1_000  # counted no further: the glance costs the same however long nobody sealed


@dataclass(frozen=True)
class Glance:
    last: AuditSeal | None
    unsealed: int
    uncounted: bool
    oldest: datetime | None


def glance() -> Glance:
    """Two queries, each answered by an index; a seal's long list of members isn't read."""
    seals = AuditSeal.objects.only("number", "created_at")
    times = list(audit.unsealed().values_list("created_at", flat=True)[: MOST + 1])
    return Glance(
        last=seals.order_by("-number").first(),
        unsealed=min(len(times), MOST),
        uncounted=len(times) > MOST,
        oldest=times[0] if times else None,
    )
