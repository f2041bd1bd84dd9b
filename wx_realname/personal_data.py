"""Opaque holders of plain text: no repr, log line, traceback or pickle shows it."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


class _Opaque:
    """Its repr shows nothing, and it can't be changed, formatted or pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not to be pickled: it holds plain text")

    def __copy__(self) -> _Opaque:
        return self

    def __deepcopy__(self, memo: Any) -> _Opaque:
        return self


class Secret(_Opaque):
    """One secret text: an auth_token, an access_token, an app secret, a PEM key."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    @classmethod
    def of(cls, value: str | Secret) -> Secret:
        """The value itself, if it is opaque already."""
        return value if isinstance(value, Secret) else cls(value)

    def reveal(self) -> str:
        """The plain text. Call it where the text is used, and don't bind it to a name."""
        return self.__text

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        ours, theirs = (
            text.encode("utf-8", "surrogatepass") for text in (self.__text, other.__text)
        )
        return hmac.compare_digest(ours, theirs)

    def __hash__(self) -> int:
        return hash(self.__text)


class PersonalData(_Opaque):
    """A citizen's name and ID number in plain text; `repr` shows neither."""

    __slots__ = ("__ciphertexts", "__credential_id", "__real_name")

    def __init__(self, real_name: str, credential_id: str, ciphertexts: bytes = b"") -> None:
        self.__real_name = real_name
        self.__credential_id = credential_id
        self.__ciphertexts = ciphertexts

    @property
    def ciphertexts(self) -> bytes:
        """Both, one behind the other, as WeChat sent them; empty where it sent none."""
        return self.__ciphertexts

    @property
    def real_name(self) -> str:
        """The name, as WeChat Pay knows it."""
        return self.__real_name

    @property
    def credential_id(self) -> str:
        """The ID number: 18 characters (the last may be X), or the old 15 digits."""
        return self.__credential_id
