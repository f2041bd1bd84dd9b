"""Face verifications, from getverifyid to queryverifyinfo, without any picture of a face."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock

from .errcodes import Refused
from .verify_rets import BY_CREDENTIAL_ID, NOT_FINISHED, OPEN, PASSED

LIFETIME = 3600  # seconds
_RANDOM_BYTES = 192  # 256 characters: the longest that WeChat documents


@dataclass(frozen=True)
class Claim:
    """The fields that must be equal in getverifyid and queryverifyinfo; the repr shows none."""

    app_id: str
    out_seq_no: str = field(repr=False)
    openid: object = field(repr=False)
    cert_hash: object = field(repr=False)


@dataclass
class _Face:
    claim: Claim
    credential_id: str = field(repr=False)
    expires_at: float
    verify_ret: int = NOT_FINISHED


class Faces:
    """Issues verify_ids, each valid for one try, and keeps their results. `now`: Unix seconds."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._faces: dict[str, _Face] = {}
        self._begun: set[tuple[str, str]] = set()

    def begin(self, claim: Claim, credential_id: str, now: float) -> str:
        """A new verify_id; raises `Refused` 84019 for an out_seq_no that this appid used before."""
        verify_id = secrets.token_urlsafe(_RANDOM_BYTES)
        with self._lock:
            if (claim.app_id, claim.out_seq_no) in self._begun:
                raise Refused(84019)
            self._begun.add((claim.app_id, claim.out_seq_no))
            self._faces[verify_id] = _Face(claim, credential_id, now + LIFETIME)
        return verify_id

    def show(self, verify_id: str, verify_ret: int | None, now: float) -> int:
        """Let the citizen go before the camera. Return the verify_ret, by default the ID number's.

        Raises `ValueError` where the phone would report 84001: unknown, expired, or used before.
        """
        with self._lock:
            face = self._faces.get(verify_id)
            if face is None:
                raise ValueError("verify_id: not known here")
            if now >= face.expires_at:
                raise ValueError("verify_id: has expired")
            if face.verify_ret not in OPEN:
                raise ValueError("verify_id: was used before, and serves one try")
            selected = BY_CREDENTIAL_ID.get(face.credential_id, PASSED)
            face.verify_ret = selected if verify_ret is None else verify_ret
            return face.verify_ret

    def query(self, verify_id: str, claim: Claim, now: float) -> int:
        """The result: the verify_ret, 10300 before the citizen acted.

        Raises `Refused`: 84001 unknown, or another appid's; 84017, 84018, 84020 openid, cert_hash,
        out_seq_no aren't those of getverifyid; 84022 expired.
        """
        with self._lock:
            face = self._faces.get(verify_id)
            if face is None or face.claim.app_id != claim.app_id:
                raise Refused(84001)
            for errcode, name in ((84017, "openid"), (84018, "cert_hash"), (84020, "out_seq_no")):
                if getattr(face.claim, name) != getattr(claim, name):
                    raise Refused(errcode)
            if now >= face.expires_at:
                raise Refused(84022)
            return face.verify_ret

    def credential_id_of(self, verify_id: object) -> str | None:
        """The ID number that getverifyid was sent; None for an unknown verify_id."""
        with self._lock:
            face = self._faces.get(verify_id) if isinstance(verify_id, str) else None
            return face.credential_id if face else None
