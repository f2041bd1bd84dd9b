"""The merchants that this WeChat knows, and their certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from .errcodes import Refused
from .keys import KEY_BITS, cert_serialno

WAYS = ("button", "check", "face")


@dataclass(frozen=True)
class Merchant:
    """One mini-program bound to one merchant number, or to none: faces need appid and secret alone.

    An appid bound to several merchant numbers is several of these, with one secret; so is a
    merchant number bound to several appids. `certificates` are PEM, each known by its serial
    number, so that a renewal can be tried. `button`, `check` and `face`: whether WeChat has opened that
    method to the appid (else 94006, section 4.3, and 48001). Raises `ValueError` for a certificate
    that can't be read, or isn't RSA of 2048 bits at least.
    """

    app_id: str
    app_secret: str = field(repr=False)
    mch_id: str = ""
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    button: bool = True
    check: bool = True
    face: bool = True

    def __post_init__(self) -> None:
        for name in ("app_id", "app_secret"):
            if not getattr(self, name):
                raise ValueError(f"{name}: must not be empty")
        self.public_keys()

    def public_keys(self) -> dict[str, rsa.RSAPublicKey]:
        """The certificates' public keys, by serial number (40 upper-case hex digits)."""
        return dict(_read(pem) for pem in self.certificates)


class Registry:
    """All merchants, with the look-ups that the calls need; it never changes.

    Raises `ValueError` for no merchant, for a pair of appid and mch_id given twice, and for an appid
    with two secrets.
    """

    def __init__(self, merchants: Iterable[Merchant]) -> None:
        self.merchants = tuple(merchants)
        if not self.merchants:
            raise ValueError("merchants: at least one is needed")
        self._bindings: dict[tuple[str, str], Merchant] = {}
        self._secrets: dict[str, str] = {}
        self._public_keys: dict[str, dict[str, rsa.RSAPublicKey]] = {}
        for merchant in self.merchants:
            self._add(merchant)

    def _add(self, merchant: Merchant) -> None:
        pair = (merchant.app_id, merchant.mch_id)
        if pair in self._bindings:
            raise ValueError(f"merchants: {pair[0]} is bound to {pair[1]} twice")
        if self._secrets.setdefault(merchant.app_id, merchant.app_secret) != merchant.app_secret:
            raise ValueError(f"merchants: {merchant.app_id} has two different secrets")
        self._bindings[pair] = merchant
        if merchant.mch_id:
            self._public_keys.setdefault(merchant.mch_id, {}).update(merchant.public_keys())

    def authenticate(self, appid: object, secret: object) -> str:
        """The appid, if the secret is right; raises `Refused` 41002, 40013, 41004 or 40125."""
        if not appid:
            raise Refused(41002)
        if not isinstance(appid, str) or appid not in self._secrets:
            raise Refused(40013)
        if not secret:
            raise Refused(41004)
        if secret != self._secrets[appid]:
            raise Refused(40125)
        return appid

    def choose_app(self, app_id: str | None) -> str:
        """The given appid, or the only one; `ValueError` if unknown, or missing among several."""
        if app_id is None and len(self._secrets) == 1:
            return next(iter(self._secrets))
        if app_id is None:
            raise ValueError("app_id: several are known here, say which")
        if app_id not in self._secrets:
            raise ValueError("app_id: not known here")
        return app_id

    def may(self, app_id: str, way: Literal["check", "face"]) -> bool:
        """Whether that method is open to the appid."""
        return any(getattr(each, way) for each in self.merchants if each.app_id == app_id)

    def public_keys(self, mch_id: object) -> Mapping[str, rsa.RSAPublicKey] | None:
        """The merchant number's public keys by serial number; None if the number is unknown."""
        return self._public_keys.get(mch_id) if isinstance(mch_id, str) else None

    def binding(self, app_id: str, mch_id: str) -> Merchant | None:
        """The merchant of this pair; None if appid and merchant number aren't bound."""
        return self._bindings.get((app_id, mch_id))


def _read(pem: bytes) -> tuple[str, rsa.RSAPublicKey]:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ValueError("certificates: not a certificate in PEM") from None
    public_key = certificate.public_key()
    if not isinstance(public_key, rsa.RSAPublicKey) or public_key.key_size < KEY_BITS:
        raise ValueError(f"certificates: the key must be RSA of {KEY_BITS} bits at least")
    return cert_serialno(certificate), public_key
