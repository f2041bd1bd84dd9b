"""The audit trail: append plain events, seal them into a chain of Merkle trees, verify it, protect it."""

from .access import append_access
from .chain import Checkpoint
from .consents import append_consent, append_notice
from .expiry import append_limit, append_removal, removed
from .expiry import limit as expiry_limit
from .keys import (
    TakenOver,
    change_is_unrecorded,
    missing_keys,
    needing,
    place_of,
    sign,
    signed_by,
    to_take_over,
)
from .outcome import answer_digests, openid_digests
from .protect import install as install_protection
from .protect import remove as remove_protection
from .reading import UNREADABLE, batches, tolerate
from .records import BATCH as RECORD_BATCH
from .records import OUTCOMES, Judgement, judge
from .requests import append_request, has_run, vouches_for_request
from .sealing import BATCH as SEAL_BATCH
from .sealing import seal, unsealed
from .trail import (
    MAX_REASON,
    Origin,
    append,
    append_outcome,
    append_outcomes,
    user_key,
    user_keys,
)
from .verify import Tail, extent, faults, tail

__all__ = [
    "MAX_REASON",
    "OUTCOMES",
    "RECORD_BATCH",
    "SEAL_BATCH",
    "UNREADABLE",
    "Checkpoint",
    "Judgement",
    "Origin",
    "Tail",
    "TakenOver",
    "answer_digests",
    "append",
    "append_access",
    "append_consent",
    "append_limit",
    "append_notice",
    "append_outcome",
    "append_outcomes",
    "append_removal",
    "append_request",
    "batches",
    "change_is_unrecorded",
    "expiry_limit",
    "extent",
    "faults",
    "has_run",
    "install_protection",
    "judge",
    "missing_keys",
    "needing",
    "openid_digests",
    "place_of",
    "remove_protection",
    "removed",
    "seal",
    "sign",
    "signed_by",
    "tail",
    "to_take_over",
    "tolerate",
    "unsealed",
    "user_key",
    "user_keys",
    "vouches_for_request",
]
