"""The trail's integrity: what the last verification found, the last seal, and what isn't sealed yet."""

from __future__ import annotations

from dataclasses import dataclass

from .. import audit, conf
from ..models import AuditSeal
from ..services.operation.verified import Verified, last_seal, last_verified
from .backlog import Backlog, backlog


@dataclass(frozen=True)
class Glance:
    verified: Verified | None
    last: AuditSeal | None
    unsealed: Backlog


def glance() -> Glance:
    """Two queries, each answered by an index. The seal's list of members, which is long, isn't read."""
    return Glance(
        verified=last_verified() if conf.is_set() else None,
        last=last_seal(),
        unsealed=backlog(audit.unsealed()),
    )
