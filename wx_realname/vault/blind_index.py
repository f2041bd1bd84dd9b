"""Blind indexes of encrypted values: an HMAC under a key of the purpose, as 64 hex digits."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256, SM3, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from .. import names as typed_names
from .. import resident_id
from ..conf import HASH_KEY_BYTES, HashKey, Settings
from ..personal_data import PersonalData
from .keyring import VERSION, derive
from .opening import material

#: The hash of HMAC and HKDF by the algorithm of a key.
HASHES: dict[str, HashAlgorithm] = {"HMAC-SHA256": SHA256(), "HMAC-SM3": SM3()}


@dataclass(frozen=True)
class Digest:
    """An HMAC in hex, with the id of its key."""

    hex: str
    key_id: str


class BlindIndex:
    """Digests of one purpose, such as "table.column": the first key writes, all match."""

    def __init__(self, keys: tuple[HashKey, ...], purpose: str) -> None:
        info = f"wx_realname/{VERSION}/hmac/{purpose}"
        # Keyed once and copied: half the time of a new HMAC, and an exchange needs five.
        self._make_hmac = [(key.key_id, _make_hmac(key, info)) for key in keys]

    def digest(self, value: str | bytes) -> Digest:
        """The digest by the first key, which is written."""
        return self.digests(value)[0]

    def digests(self, value: str | bytes) -> list[Digest]:
        """The digests by every key, the first one first, for look-ups."""
        data = value.encode() if isinstance(value, str) else value
        return [Digest(_hex(keyed.copy(), data), key_id) for key_id, keyed in self._make_hmac]


def _make_hmac(key: HashKey, info: str) -> HMAC:
    hash_ = HASHES[key.algorithm]
    return HMAC(derive(material(key), HASH_KEY_BYTES, info, hash_), hash_)


def _hex(code: HMAC, data: bytes) -> str:
    code.update(data)
    return code.finalize().hex()


@lru_cache(maxsize=64)
def blind_index(keys: tuple[HashKey, ...], purpose: str) -> BlindIndex:
    """The index of a purpose, its keys derived once a process."""
    return BlindIndex(keys, purpose)


def names(keys: tuple[HashKey, ...]) -> BlindIndex:
    """The index of names, in the form of `name_form`."""
    return blind_index(keys, "wx_realname.real_name")


def numbers(keys: tuple[HashKey, ...]) -> BlindIndex:
    """The index of ID numbers, in the form of `number_form`."""
    return blind_index(keys, "wx_realname.credential_id")


def name_index(settings: Settings, real_name: str) -> str | None:
    """The name's digest by the first key; None unless NAME_INDEX is "exact": names can be guessed from it."""
    if settings.name_index != "exact":
        return None
    return names(settings.index_keys).digest(name_form(real_name)).hex


def typed_digests(keys: tuple[HashKey, ...], row_id: UUID, data: PersonalData) -> list[Digest]:
    """HMACs over a name and a number, salted by the row's id: different in every row."""
    form = f"{row_id} {name_form(data.real_name)} {number_form(data.credential_id)}"
    return blind_index(keys, "wx_realname.typed").digests(form)


def name_form(real_name: str) -> str:
    """The form in which names are compared: as they are sent, in NFKC, without spaces, any case."""
    folded = unicodedata.normalize("NFKC", typed_names.normalize(real_name)).casefold()
    return "".join(folded.replace(".", "·").split())


def number_form(credential_id: str) -> str:
    """The form in which ID numbers are compared: 18 characters, upper case."""
    return resident_id.to_18(credential_id.strip().upper())
