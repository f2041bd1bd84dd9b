"""Compares a verified record's masks and indexes with its ciphertexts, which can't be forged without a key.

Rotation changes ciphertexts and indexes, so an outcome's HMAC can't cover them; the ciphertexts are bound
to their row by their own authentication.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import conf, masking
from ..exceptions import DecryptionError
from ..models import Verification, encrypted_field
from ..vault import blind_index
from ..vault.blind_index import BlindIndex
from ..vault.fields import Sealed
from ..vault.keyring import Header, has_key_for

NAME, NUMBER = "real_name_encrypted", "credential_id_encrypted"


@dataclass(frozen=True)
class NeededKey:
    """A key that a record names and the settings lack: the setting, and the key's id.

    `of_outcome`: it signed the last outcome; else ciphertexts or indexes need it.
    """

    setting: str
    key_id: str
    of_outcome: bool = False

    def __str__(self) -> str:
        return f"{self.setting} lacks {self.key_id!r}"  # quoted: the id comes from the database


def needed_key(row: Verification) -> NeededKey | None:
    """The key without which name and number can't be compared; None where every key is there.

    Without a ciphertext nothing is compared: the outcome's HMAC covers masks and index then.
    """
    encrypted = [
        sealed for sealed in (row.real_name_encrypted, row.credential_id_encrypted) if sealed
    ]
    for sealed in encrypted:
        if not _has_key(sealed):
            return NeededKey("ENCRYPTION_KEYS", Header.of(sealed.envelope).key_id)
    known = {key.key_id for key in conf.current().index_keys}
    if encrypted and _is_indexed(row) and row.index_key_id not in known:
        return NeededKey("INDEX_KEYS", row.index_key_id)
    return None


def agrees(row: Verification) -> bool:
    """Whether masks and indexes fit each value that can be decrypted; `needed_key` names the others."""
    if _is_indexed(row) and not row.index_key_id:
        return False
    try:
        name, number = _decrypt(row, NAME), _decrypt(row, NUMBER)
    except DecryptionError:
        return False
    return (name is None or _name_agrees(row, name)) and (
        number is None or _number_agrees(row, number)
    )


def _name_agrees(row: Verification, name: str) -> bool:
    """The name's index may be missing: NAME_INDEX is a choice."""
    index, form = blind_index.names(conf.current().index_keys), blind_index.name_form(name)
    stored = row.real_name_index
    return masking.mask_name(name) == row.real_name_masked and (
        stored is None or _is_index(index, form, row.index_key_id, stored)
    )


def _number_agrees(row: Verification, number: str) -> bool:
    index, form = blind_index.numbers(conf.current().index_keys), blind_index.number_form(number)
    stored = row.credential_id_index
    return masking.mask_credential_id(number) == row.credential_id_masked and (
        stored is not None and _is_index(index, form, row.index_key_id, stored)
    )


def _decrypt(row: Verification, column: str) -> str | None:
    """The value; None without a ciphertext, or without its key. Raises `DecryptionError`."""
    sealed: Sealed | None = getattr(row, column)
    if sealed is None or not _has_key(sealed):
        return None
    return encrypted_field(column).open(sealed, row.pk)


def _has_key(sealed: Sealed) -> bool:
    return has_key_for(sealed.envelope, conf.current().encryption_keys)


def _is_indexed(row: Verification) -> bool:
    return row.credential_id_index is not None or row.real_name_index is not None


def _is_index(index: BlindIndex, form: str, key_id: str, stored: str) -> bool:
    """True also of an index by a key that INDEX_KEYS lacks."""
    known = {digest.key_id: digest.hex for digest in index.digests(form)}
    return key_id not in known or known[key_id] == stored
