"""The model field that holds a ciphertext. Reading a row decrypts nothing; only `open` decrypts."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from django.db import models

from .. import conf
from .keyring import ColumnCipher, column_cipher


class Sealed:
    """A ciphertext as it lies in its column; its repr shows nothing."""

    __slots__ = ("envelope",)

    def __init__(self, envelope: bytes) -> None:
        self.envelope = envelope

    def __repr__(self) -> str:
        return "<Sealed>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self.envelope == other.envelope

    def __hash__(self) -> int:
        return hash(self.envelope)


class EncryptedField(models.BinaryField):  # type: ignore[type-arg]
    """A text, encrypted under ENCRYPTION_KEYS and bound to its table, column and row.

    An attribute holds `Sealed` or None; `seal` makes it, `open` decrypts it. A plain value is refused
    when written and when read.
    """

    @property
    def place(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def seal(self, plaintext: str, row: UUID) -> Sealed:
        """The ciphertext for that row."""
        return Sealed(self.cipher().encrypt(plaintext, row.bytes))

    def open(self, sealed: Sealed, row: UUID) -> str:
        """The text. Raises `DecryptionError` when it isn't of that row, or no ciphertext at all."""
        return self.cipher().decrypt(sealed.envelope, row.bytes)

    def cipher(self) -> ColumnCipher:
        """The cipher of `seal` and `open`, for many values: the settings are read once."""
        return column_cipher(conf.current().encryption_keys, self.place)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(envelope(value))

    def to_python(self, value: Any) -> Sealed | None:
        """From a fixture, where the ciphertext stands in base64."""
        return Sealed(base64.b64decode(value)) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError(f"{self.place} takes a ciphertext made by seal(), never a plain value.")
        return value.envelope if value is not None else None

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        return super().get_db_prep_value(value, connection, prepared=True)

    def value_to_string(self, obj: models.Model) -> str:
        sealed = self.value_from_object(obj)
        return "" if sealed is None else base64.b64encode(sealed.envelope).decode()


@EncryptedField.register_lookup
class HeaderIs(models.Lookup):
    """`column__header=bytes`: the envelope begins so, which shows its key without decryption."""

    lookup_name = "header"
    prepare_rhs = False  # bytes; the field itself takes only ciphertexts

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        # SUBSTR of an empty value is NULL on SQLite.
        begin = f"COALESCE(SUBSTR({column}, 1, %s), {column})"
        return f"{begin} = %s", (*params, len(self.rhs), *params, self.rhs)


def envelope(value: Any) -> bytes:
    """The bytes of a driver's value. On SQLite it may be a text or a number, which `open` refuses then.

    `bytes(number)` would make that many zero bytes.
    """
    if type(value) is bytes:
        return value
    return str(value).encode() if isinstance(value, (str, int, float)) else bytes(value)
