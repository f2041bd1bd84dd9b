"""The encrypted data of an undecided face, in one column: what a query must send again."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from uuid import UUID

from ... import conf
from ...exceptions import DecryptionError, InternalError, Misconfigured
from ...models import Verification, encrypted_field
from ...personal_data import PersonalData, Secret
from ...vault.fields import EncryptedField, Sealed
from ...vault.keyring import has_key_for

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceRecord:
    """The data sent and received when the face verification began, and its user."""

    verify_id: Secret
    out_seq_no: str
    openid: Secret
    app_id: str
    user_id: str
    merchant: str
    typed: PersonalData

    def sealed(self, row_id: UUID) -> Sealed:
        """The ciphertext for the row with that id."""
        # not bound to a name, so that no plain text stands in this function's frame
        return _field().seal(
            json.dumps(
                {
                    "verify_id": self.verify_id.reveal(),
                    "out_seq_no": self.out_seq_no,
                    "openid": self.openid.reveal(),
                    "app_id": self.app_id,
                    "user_id": self.user_id,
                    "merchant": self.merchant,
                    "real_name": self.typed.real_name,
                    "credential_id": self.typed.credential_id,
                }
            ),
            row_id,
        )

    def is_of(self, row: Verification) -> bool:
        """Whether the row still has the user, merchant and appid of the begin."""
        sealed = self.user_id, self.merchant, self.app_id
        return sealed == (str(row.user_id), row.merchant, row.app_id)


def read(row: Verification) -> FaceRecord:
    """The data of the waiting row.

    Raises `InternalError` when it was altered or contradicts the row: WeChat isn't asked then;
    `Misconfigured` when ENCRYPTION_KEYS lacks its key.
    """
    sealed = row.face_encrypted
    if sealed and not has_key_for(sealed.envelope, conf.current().encryption_keys):
        logger.error("%s: ENCRYPTION_KEYS has no key for this face record", row.pk)
        raise Misconfigured(verification_id=row.pk)
    face = _open(row)
    if face is None or not face.is_of(row):
        logger.error("%s contradicts what was sealed when its face verification began", row.pk)
        raise InternalError(verification_id=row.pk)
    return face


def _open(row: Verification) -> FaceRecord | None:
    if row.face_encrypted is None:
        return None
    try:
        fields = json.loads(_field().open(row.face_encrypted, row.pk))
        return FaceRecord(
            verify_id=Secret(str(fields["verify_id"])),
            out_seq_no=str(fields["out_seq_no"]),
            openid=Secret(str(fields["openid"])),
            app_id=str(fields["app_id"]),
            user_id=str(fields["user_id"]),
            merchant=str(fields["merchant"]),
            typed=PersonalData(str(fields["real_name"]), str(fields["credential_id"])),
        )
    except (DecryptionError, ValueError, KeyError, TypeError):
        return None


def _field() -> EncryptedField:
    return encrypted_field("face_encrypted")
