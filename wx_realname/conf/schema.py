"""What WX_REALNAME holds: its names, and the frozen dataclasses that the rest of the package reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from ..personal_data import Secret

#: The ciphers at rest, with the length of their keys in bytes.
KEY_BYTES: Mapping[str, int] = MappingProxyType({"AES-256-GCM": 32, "SM4-GCM": 16})
HASH_KEY_BYTES = 32
HASH_ALGORITHMS = ("HMAC-SHA256", "HMAC-SM3")
PEM_KEY_BACKEND = "wx_realname.wechat.merchant_key.PemKey"

KEY_SOURCE_NAMES = (
    "PRIVATE_KEY",
    "PRIVATE_KEY_FILE",
    "PRIVATE_KEY_PASSPHRASE",
    "CERTIFICATE",
    "CERTIFICATE_FILE",
    "CERT_SERIALNO",
)
MERCHANT_NAMES = (
    "APP_ID",
    "APP_SECRET",
    "MCH_ID",
    *KEY_SOURCE_NAMES,
    "CATEGORY_ID",
    "NEXT",
    "KEY_BACKEND",
    "ACCESS_TOKEN_PROVIDER",
    "APPLICATION",
)


@dataclass(frozen=True)
class EncryptionKey:
    """A key for personal data at rest: `key_id` is written into every ciphertext."""

    key_id: str
    algorithm: str
    material: bytes = field(repr=False)
    #: DATA_KEY_BACKEND, where `material` is wrapped: `vault.opening` opens it.
    opener: str | None = None


@dataclass(frozen=True)
class HashKey:
    """A key for blind indexes, token digests, outcome codes and seals; `opener` as of `EncryptionKey`."""

    key_id: str
    material: bytes = field(repr=False)
    algorithm: str = HASH_ALGORITHMS[0]
    opener: str | None = None


@dataclass(frozen=True)
class KeySource:
    """Where a merchant's private key and certificate come from. `setting` is its place in WX_REALNAME."""

    setting: str
    private_key: Secret | None
    private_key_file: str | None
    passphrase: Secret | None
    certificate: str | None = field(repr=False)  # some PEM files hold the key too
    certificate_file: str | None
    cert_serialno: str | None


@dataclass(frozen=True)
class Merchant:
    """One mini-program; the button's things (merchant number, key, certificate, category) may be absent."""

    alias: str
    app_id: str
    app_secret: Secret | None
    mch_id: str | None
    keys: KeySource
    next_keys: KeySource | None
    next_from: datetime | None
    category_id: tuple[int, ...] | None
    key_backend: str
    access_token_provider: str | None
    application: Mapping[str, Any] = field(hash=False)

    @property
    def has_button(self) -> bool:
        """Whether the button is configured: a mini-program that only verifies faces has no MCH_ID."""
        return self.mch_id is not None

    @property
    def key_sources(self) -> tuple[KeySource, ...]:
        """The current key's, and the next one's where NEXT is set."""
        return (self.keys, self.next_keys) if self.next_keys else (self.keys,)


@dataclass(frozen=True)
class Settings:
    """The whole of WX_REALNAME; times are in seconds."""

    merchants: Mapping[str, Merchant]
    merchant_resolver: str | None
    openid_resolver: str | None
    client_ip_resolver: str | None
    api_base_url: str
    connect_timeout: float
    read_timeout: float
    total_timeout: float
    pending_timeout: float
    cache_alias: str
    encryption_keys: tuple[EncryptionKey, ...]
    index_keys: tuple[HashKey, ...]
    audit_keys: tuple[HashKey, ...]
    storage: Literal["encrypted", "masked"]
    response: Literal["masked", "plain"]
    retention_days: int | None
    throttle_rate: str | None
    face_rate: str | None
    search_rate: str | None
    data_key_backend: str | None
    consent: Literal["optional", "required"]
    minors: Literal["allow", "refuse"]
    four_eyes: bool
    subject_copy: str | None
    name_index: Literal["none", "exact"]
    mask_name: Literal["last", "none"]
    export_limit: int | None

    @property
    def has_button(self) -> bool:
        """Whether any merchant has the button."""
        return any(merchant.has_button for merchant in self.merchants.values())


NAMES = tuple(field.name.upper() for field in fields(Settings))
