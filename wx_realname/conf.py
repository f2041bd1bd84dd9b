"""The setting `WX_REALNAME` as frozen dataclasses, read on access so that `override_settings` works.

A wrong value raises `ConfigurationError`, which names the setting and the way out, and never a
secret; nor do the local variables here hold one, so a traceback can be reported as it is.
"""

from __future__ import annotations

import base64
import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings

from .exceptions import ConfigurationError
from .personal_data import Secret

#: The ciphers at rest, with the length of their keys in bytes.
KEY_BYTES: Mapping[str, int] = MappingProxyType({"AES-256-GCM": 32, "SM4-GCM": 16})
HASH_KEY_BYTES = 32
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
NAMES = (
    "MERCHANTS",
    "MERCHANT_RESOLVER",
    "OPENID_RESOLVER",
    "CLIENT_IP_RESOLVER",
    "API_BASE_URL",
    "CONNECT_TIMEOUT",
    "READ_TIMEOUT",
    "TOTAL_TIMEOUT",
    "PENDING_TIMEOUT",
    "CACHE_ALIAS",
    "ENCRYPTION_KEYS",
    "INDEX_KEYS",
    "AUDIT_KEYS",
    "STORAGE",
    "RESPONSE",
    "RETENTION_DAYS",
    "THROTTLE_RATE",
)

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
_ALIAS = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


@dataclass(frozen=True)
class EncryptionKey:
    """A key for personal data at rest: `key_id` is written into every ciphertext."""

    key_id: str
    algorithm: str
    material: bytes = field(repr=False)


@dataclass(frozen=True)
class HashKey:
    """A key for blind indexes, token digests, outcome codes and seals."""

    key_id: str
    material: bytes = field(repr=False)


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
    """One mini-program with the merchant number that is bound to it."""

    alias: str
    app_id: str
    app_secret: Secret | None
    mch_id: str
    keys: KeySource
    next_keys: KeySource | None
    next_from: datetime | None
    category_id: tuple[int, ...] | None
    key_backend: str
    access_token_provider: str | None
    application: Mapping[str, Any] = field(hash=False)


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


class _Section:
    """One dict of the setting, with its place for messages; its repr shows no value.

    `read` gives the dict, so that no frame needs to hold it when an error is raised.
    """

    def __init__(
        self, setting: str, read: Callable[[], Any], names: tuple[str, ...] | None = None
    ) -> None:
        self.setting = setting
        if not isinstance(read(), Mapping):
            raise ConfigurationError(f"{setting} must be a dict.")
        self._values: Mapping[str, Any] = read()
        for name in self._values:
            if names is not None and name not in names:
                raise ConfigurationError(f"{self.place(name)} is unknown.{_nearest(name, names)}")

    def __repr__(self) -> str:
        return f"<{self.setting}>"

    def place(self, name: str) -> str:
        return f'{self.setting}["{name}"]'

    def wrong(self, name: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.place(name)} {what}")

    def given(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str | None:
        if not self.given(name):
            return default
        if not isinstance(self._values[name], str) or not self._values[name].strip():
            raise self.wrong(name, "must be a string that isn't empty.")
        return str(self._values[name])

    def required(self, name: str, max_length: int = 512) -> str:
        if not self.given(name):
            raise self.wrong(name, "is missing: set it.")
        if len(self.text(name) or "") > max_length:
            raise self.wrong(name, f"is longer than {max_length} characters.")
        return self.text(name) or ""

    def secret(self, name: str) -> Secret | None:
        return Secret(self.text(name) or "") if self.given(name) else None

    def path(self, name: str) -> str | None:
        if self.given(name) and hasattr(self._values[name], "__fspath__"):
            return str(self._values[name])
        return self.text(name)

    def seconds(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
            raise self.wrong(name, "must be a positive number of seconds.")
        return float(value)

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        value = self._values.get(name, choices[0])
        if value not in choices:
            raise self.wrong(name, f"must be one of: {', '.join(choices)}.")
        return value

    def section(self, name: str, names: tuple[str, ...] | None = None) -> _Section:
        return _Section(self.place(name), lambda: self._values[name], names)

    def raw(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def texts(self, name: str) -> Iterator[tuple[str, Secret]]:
        """A list of secrets: each with its place, and wrapped before anything looks at it."""
        if not isinstance(self._values.get(name), (list, tuple)) or not self._values[name]:
            raise self.wrong(name, "must be a list with at least one key.")
        if not all(isinstance(text, str) for text in self._values[name]):
            raise self.wrong(name, "must be a list of strings.")
        return (
            (f"{self.place(name)}[{number}]", Secret(text))
            for number, text in enumerate(self._values[name])
        )


def _nearest(name: object, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(str(name).upper(), names, n=1, cutoff=0.5)
    return f' Did you mean "{close[0]}"?' if close else f" Known are: {', '.join(names)}."


# Of a key's text, nothing is bound to a name or said in a message before it is known to be what it
# should be: where the parts were swapped, the key stands in the place of the id or the algorithm.


def _material(place: str, text: Secret, length: int) -> bytes:
    material = b""
    with suppress(ValueError):
        material = base64.b64decode(text.reveal().rpartition(":")[2], validate=True)
    if len(material) != length:
        del material
        raise ConfigurationError(f"{place} must end with {length} bytes in base64.")
    return material


def _key_id(place: str, text: Secret, known: Iterable[EncryptionKey | HashKey]) -> str:
    if not _KEY_ID.fullmatch(text.reveal().partition(":")[0]):
        raise ConfigurationError(
            f"{place} must begin with a key id of 1 to 32 letters, digits, '.', '_', '-'."
        )
    key_id = text.reveal().partition(":")[0]
    if key_id in [key.key_id for key in known]:
        raise ConfigurationError(f'{place} repeats the key id "{key_id}": each key needs its own.')
    return key_id


def _algorithm(place: str, text: Secret) -> str:
    for algorithm in KEY_BYTES:
        if algorithm == text.reveal().split(":")[1]:
            return algorithm
    raise ConfigurationError(f"{place} must name one of the algorithms: {', '.join(KEY_BYTES)}.")


def _encryption_keys(section: _Section) -> tuple[EncryptionKey, ...]:
    keys: list[EncryptionKey] = []
    for place, text in section.texts("ENCRYPTION_KEYS"):
        if text.reveal().count(":") != 2:
            raise ConfigurationError(f'{place} must have the form "<id>:<algorithm>:<base64>".')
        algorithm = _algorithm(place, text)
        keys.append(
            EncryptionKey(
                material=_material(place, text, KEY_BYTES[algorithm]),
                algorithm=algorithm,
                key_id=_key_id(place, text, keys),
            )
        )
    return tuple(keys)


def _hash_keys(section: _Section, name: str) -> tuple[HashKey, ...]:
    keys: list[HashKey] = []
    for place, text in section.texts(name):
        if text.reveal().count(":") != 1:
            raise ConfigurationError(f'{place} must have the form "<id>:<base64>".')
        keys.append(
            HashKey(
                material=_material(place, text, HASH_KEY_BYTES), key_id=_key_id(place, text, keys)
            )
        )
    return tuple(keys)


def _key_source(section: _Section, *, pem: bool) -> KeySource:
    for text, file in (("PRIVATE_KEY", "PRIVATE_KEY_FILE"), ("CERTIFICATE", "CERTIFICATE_FILE")):
        if section.given(text) and section.given(file):
            raise section.wrong(text, f'and "{file}" are both given: keep one of them.')
    if pem and not (section.given("PRIVATE_KEY") or section.given("PRIVATE_KEY_FILE")):
        raise section.wrong("PRIVATE_KEY", 'is missing: set it, or "PRIVATE_KEY_FILE".')
    return KeySource(
        setting=section.setting,
        private_key=section.secret("PRIVATE_KEY"),
        private_key_file=section.path("PRIVATE_KEY_FILE"),
        passphrase=section.secret("PRIVATE_KEY_PASSPHRASE"),
        certificate=section.text("CERTIFICATE"),
        certificate_file=section.path("CERTIFICATE_FILE"),
        cert_serialno=_serialno(section),
    )


def _serialno(section: _Section) -> str | None:
    serial = section.text("CERT_SERIALNO")
    if serial is None:
        return None
    if not re.fullmatch(r"[0-9A-Fa-f]{1,40}", serial.strip()):
        raise section.wrong("CERT_SERIALNO", "must be up to 40 hexadecimal digits.")
    return serial.strip().upper().zfill(40)


def _moment(section: _Section, name: str) -> datetime:
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(section.required(name).replace("Z", "+00:00"))
        if moment.tzinfo is not None:
            return moment.astimezone(timezone.utc)
    raise section.wrong(name, 'must be a time with its zone, such as "2027-01-01T00:00:00Z".')


def _category_id(section: _Section) -> tuple[int, ...] | None:
    value = section.raw("CATEGORY_ID")
    if value is None:
        return None
    numbers = isinstance(value, (list, tuple)) and all(type(number) is int for number in value)
    if not numbers or len(value) != 2:
        raise section.wrong("CATEGORY_ID", "must be two numbers, such as [99, 904].")
    return tuple(value)


def _merchant(alias: str, section: _Section) -> Merchant:
    backend = section.text("KEY_BACKEND") or PEM_KEY_BACKEND
    provider = section.text("ACCESS_TOKEN_PROVIDER")
    if provider is None:
        section.required("APP_SECRET")
    upcoming = _next(section)
    pem = backend == PEM_KEY_BACKEND
    return Merchant(
        alias=alias,
        app_id=section.required("APP_ID", 64),
        app_secret=section.secret("APP_SECRET"),
        mch_id=section.required("MCH_ID", 32),
        keys=_key_source(section, pem=pem),
        next_keys=_key_source(upcoming, pem=pem) if upcoming else None,
        next_from=_moment(upcoming, "FROM") if upcoming else None,
        category_id=_category_id(section),
        key_backend=backend,
        access_token_provider=provider,
        application=_application(section),
    )


def _next(section: _Section) -> _Section | None:
    if section.raw("NEXT") in (None, {}):
        return None
    return section.section("NEXT", (*KEY_SOURCE_NAMES, "FROM"))


def _application(section: _Section) -> Mapping[str, Any]:
    if section.given("APPLICATION"):
        section.section("APPLICATION")  # a dict, or an error
    return section.raw("APPLICATION") or {}


def _merchants(section: _Section) -> Mapping[str, Merchant]:
    if not section.raw("MERCHANTS"):
        raise section.wrong("MERCHANTS", "is missing: set it to a dict with a merchant by alias.")
    merchants = section.section("MERCHANTS")
    for alias in merchants:
        if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
            raise section.wrong("MERCHANTS", "has an alias that isn't 1 to 64 plain characters.")
    return MappingProxyType(
        {alias: _merchant(alias, merchants.section(alias, MERCHANT_NAMES)) for alias in merchants}
    )


def _api_base_url(section: _Section) -> str:
    name = "API_BASE_URL"
    try:
        url = urlsplit(section.text(name, "https://api.weixin.qq.com") or "")
        host = url.hostname or ""
        plain = not (url.username or url.password or url.query or url.fragment) and url.port != 0
    except ValueError:
        raise section.wrong(name, "isn't a URL.") from None
    if url.scheme not in ("http", "https") or not plain or not host or re.search(r"\s", host):
        raise section.wrong(name, "must be an http(s) address without user, query or fragment.")
    if url.scheme == "http" and not _is_loopback(host):
        raise section.wrong(name, "must begin with https:// (plain http is for loopback only).")
    return url.geturl().rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _throttle_rate(section: _Section) -> str | None:
    rate = section.text("THROTTLE_RATE") if "THROTTLE_RATE" in section else "10/min"
    if rate is not None and not _RATE.fullmatch(rate):
        raise section.wrong("THROTTLE_RATE", 'must be like "10/min" (s, min, hour, day) or None.')
    return rate


def _retention_days(section: _Section) -> int | None:
    days = section.raw("RETENTION_DAYS")
    if days is not None and (type(days) is not int or not 0 < days < 40_000):
        raise section.wrong("RETENTION_DAYS", "must be a positive number of days, or None.")
    return days


def _settings(section: _Section) -> Settings:
    parsed = Settings(
        merchants=_merchants(section),
        merchant_resolver=section.text("MERCHANT_RESOLVER"),
        openid_resolver=section.text("OPENID_RESOLVER"),
        client_ip_resolver=section.text("CLIENT_IP_RESOLVER"),
        api_base_url=_api_base_url(section),
        connect_timeout=section.seconds("CONNECT_TIMEOUT", 3.05),
        read_timeout=section.seconds("READ_TIMEOUT", 10),
        total_timeout=section.seconds("TOTAL_TIMEOUT", 20),
        pending_timeout=section.seconds("PENDING_TIMEOUT", 120),
        cache_alias=section.text("CACHE_ALIAS", "default") or "default",
        encryption_keys=_encryption_keys(section),
        index_keys=_hash_keys(section, "INDEX_KEYS"),
        audit_keys=_hash_keys(section, "AUDIT_KEYS") if section.given("AUDIT_KEYS") else (),
        storage=section.choice("STORAGE", ("encrypted", "masked")),
        response=section.choice("RESPONSE", ("masked", "plain")),
        retention_days=_retention_days(section),
        throttle_rate=_throttle_rate(section),
    )
    _refuse_contradictions(section, parsed)
    return parsed


def _refuse_contradictions(section: _Section, parsed: Settings) -> None:
    if parsed.pending_timeout <= 2 * parsed.total_timeout:
        raise section.wrong("PENDING_TIMEOUT", "must be more than twice TOTAL_TIMEOUT.")
    if parsed.response == "plain" and parsed.storage == "masked":
        raise section.wrong("RESPONSE", '"plain" needs STORAGE "encrypted".')
    if parsed.cache_alias not in settings.CACHES:
        raise section.wrong("CACHE_ALIAS", f'"{parsed.cache_alias}" is not in CACHES.')
    if not settings.USE_TZ:
        raise ConfigurationError("USE_TZ must be True: wx_realname's times are in UTC.")


class _Parsed:
    """The last setting seen, and what came of it. The copy notices a dict changed in place."""

    def __init__(self) -> None:
        self._raw = _copied(settings.WX_REALNAME)
        self._use_tz = settings.USE_TZ
        self.settings = _settings(_Section("WX_REALNAME", lambda: settings.WX_REALNAME, NAMES))

    def is_current(self) -> bool:
        return bool(self._raw == settings.WX_REALNAME and self._use_tz == settings.USE_TZ)


def _copied(value: Any) -> Any:
    """With dicts and lists of its own, at any depth; `deepcopy` fails at what is refused later."""
    if isinstance(value, Mapping):
        return {name: _copied(member) for name, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list) else value


_last: _Parsed | None = None


def current() -> Settings:
    """The settings as they are now.

    Raises `ConfigurationError`, which names what is wrong, or that WX_REALNAME is missing.
    """
    global _last
    parsed = _last
    if not is_set():
        raise ConfigurationError(
            "WX_REALNAME is missing: see “Settings” in the README, or wx_realname.env.settings()."
        )
    if parsed is None or not parsed.is_current():
        parsed = _last = _Parsed()
    return parsed.settings


def is_set() -> bool:
    return getattr(settings, "WX_REALNAME", None) is not None
