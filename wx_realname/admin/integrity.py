"""The trail's integrity at a glance: what the last verification found, what is sealed, what isn't."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .. import audit, conf
from ..models import AuditSeal
from ..services.operation.verified import Verified, last_seal, last_verified

MOST = 1_000  # counted no further: the glance costs the same however long nobody sealed


@dataclass(frozen=True)
class Glance:
    verified: Verified | None
    last: AuditSeal | None
    unsealed: int
    uncounted: bool
    oldest: datetime | None


def glance() -> Glance:
    """Two queries, each answered by an index; a seal's long list of members isn't read."""
    times = list(audit.unsealed().values_list("created_at", flat=True)[: MOST + 1])
    return Glance(
        verified=last_verified() if conf.is_set() else None,
        last=last_seal(),
        unsealed=min(len(times), MOST),
        uncounted=len(times) > MOST,
        oldest=times[0] if times else None,
    )
