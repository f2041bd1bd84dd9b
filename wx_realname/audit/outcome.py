"""What an outcome's HMAC covers: how an attempt or a record ended, and what has been stored since.

The input begins with the number of its format. A change of what is covered is a new format; the formats
before it still verify.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..models import Verification
from ..moments import utc_text
from ..vault.blind_index import Digest
from . import keys

FORMAT = 1


def digests(row: Verification, event: Mapping[str, Any]) -> list[Digest]:
    """HMACs over the event's outcome of the row, the writing key's first.

    `event`: the columns of the `AuditEvent`.
    """
    covered = [
        FORMAT,
        str(event["event"]),
        event["attempt"],
        str(row.id),
        str(event["user_id"]),
        str(event["status"]),
        str(row.method),
        row.merchant,
        row.token_digest,
        utc_text(row.verified_at),
        _text(event["consent_id"]),
        event.get("answer_digest", ""),
        event.get("openid_digest", ""),
        *_columns(row),
    ]
    return keys.digests("audit.outcome", covered)


def openid_digests(openid: str) -> list[Digest]:
    """HMACs of the openid that is the user's name: they show that two users' names were swapped.

    The writing key's first; the same key signs the outcome.
    """
    return keys.index("audit.openid").digests(openid)


def answer_digests(ciphertexts: bytes) -> list[str]:
    """HMACs over both ciphertexts of WeChat's answer: the writing key's first, which is stored; all match."""
    return [digest.hex for digest in keys.index("audit.answer").digests(ciphertexts)]


def _columns(row: Verification) -> list[Any]:
    """The masks; which ciphertexts there are; and the number's index, where nothing else proves it."""
    encrypted = [row.real_name_encrypted is not None, row.credential_id_encrypted is not None]
    index = row.credential_id_index
    indexed = index is not None if any(encrypted) else _text(index)
    return [row.real_name_masked, row.credential_id_masked, *encrypted, indexed]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
