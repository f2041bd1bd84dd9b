"""Compares a verified record's masks and indexes with its ciphertexts, which can't be forged without a key.

Rotation changes ciphertexts and indexes, so an outcome's HMAC can't cover them; the ciphertexts are bound
to their row by their own authentication.
"""

from __future__ import annotations

from .. import conf, masking
from ..exceptions import DecryptionError
from ..models import Verification
from ..vault import blind_index
from ..vault.blind_index import BlindIndex
from ..vault.fields import Sealed
from ..vault.keyring import has_key_for


def agrees(row: Verification) -> bool:
    """Whether masks and indexes fit the decrypted values; True where nothing can be decrypted."""
    if not (
        _can_be_opened(row.real_name_encrypted) and _can_be_opened(row.credential_id_encrypted)
    ):
        return True
    try:
        data = row.personal_data()
    except DecryptionError:
        return False
    if data is None:
        return True
    masks = masking.mask_name(data.real_name), masking.mask_credential_id(data.credential_id)
    if masks != (row.real_name_masked, row.credential_id_masked):
        return False
    keys = conf.current().index_keys
    name = blind_index.name_form(data.real_name)
    number = blind_index.number_form(data.credential_id)
    return (
        row.credential_id_index is not None
        and _is_index(blind_index.numbers(keys), number, row.index_key_id, row.credential_id_index)
        and _is_index(blind_index.names(keys), name, row.index_key_id, row.real_name_index)
    )


def _can_be_opened(sealed: Sealed | None) -> bool:
    """False without a ciphertext, and where ENCRYPTION_KEYS lacks its key, which isn't tampering."""
    return sealed is not None and has_key_for(sealed.envelope, conf.current().encryption_keys)


def _is_index(index: BlindIndex, form: str, key_id: str, stored: str | None) -> bool:
    """True where nothing is stored, or by a key that INDEX_KEYS lacks."""
    known = {digest.key_id: digest.hex for digest in index.digests(form)}
    return stored is None or key_id not in known or known[key_id] == stored
