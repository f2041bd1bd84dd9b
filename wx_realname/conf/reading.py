"""From the dict to the dataclasses. A wrong value raises `ConfigurationError`, which names the setting."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from ..exceptions import ConfigurationError
from ..personal_data import Secret
from ..text import VISIBLE_ASCII
from .schema import (
    HASH_ALGORITHMS,
    HASH_KEY_BYTES,
    KEY_BYTES,
    KEY_SOURCE_NAMES,
    MERCHANT_NAMES,
    PEM_KEY_BACKEND,
    EncryptionKey,
    HashKey,
    KeySource,
    Merchant,
    Settings,
)
from .section import Section

K = TypeVar("K", EncryptionKey, HashKey)
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
MAX_ALIAS = 64  # characters of a merchant's alias
_ALIAS = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_ALIAS}}}")
_RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


def read(section: Section) -> Settings:
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
        encryption_keys=_keys(section, "ENCRYPTION_KEYS", EncryptionKey, KEY_BYTES),
        index_keys=_hash_keys(section, "INDEX_KEYS"),
        audit_keys=_hash_keys(section, "AUDIT_KEYS") if section.given("AUDIT_KEYS") else (),
        storage=section.choice("STORAGE", ("encrypted", "masked")),
        response=section.choice("RESPONSE", ("masked", "plain")),
        retention_days=section.count("RETENTION_DAYS", "days", 40_000),
        throttle_rate=_rate(section, "THROTTLE_RATE", "10/min"),
        face_rate=_rate(section, "FACE_RATE", "10/hour"),
        search_rate=_rate(section, "SEARCH_RATE", "10/hour"),
        data_key_backend=section.text("DATA_KEY_BACKEND"),
        consent=section.choice("CONSENT", ("optional", "required")),
        minors=section.choice("MINORS", ("allow", "refuse")),
        four_eyes=section.switch("FOUR_EYES"),
        subject_copy=section.text("SUBJECT_COPY"),
        name_index=section.choice("NAME_INDEX", ("none", "exact")),
        mask_name=section.choice("MASK_NAME", ("last", "none")),
        export_limit=section.count("EXPORT_LIMIT", "rows", 2**31),
    )
    _refuse_contradictions(section, parsed)
    return parsed


def _keys(
    section: Section, name: str, make: Callable[..., K], lengths: Mapping[str, int], usual: str = ""
) -> tuple[K, ...]:
    """The keys of that setting. `lengths`: bytes by algorithm; `usual`: that of a key that names none."""
    keys: list[K] = []
    for place, text in section.texts(name):
        # Opaque: where the parts were swapped, the key stands in the place of the id or the algorithm.
        parts = [Secret(part) for part in text.reveal().split(":")]
        opener = _opener(section, place, parts)
        if len(parts) == 2 and not usual:
            raise ConfigurationError(f'{place} must have the form "<id>:<algorithm>:<base64>".')
        algorithm = usual if len(parts) == 2 else _algorithm(place, parts[1], tuple(lengths))
        keys.append(
            make(
                material=_material(place, parts[-1], None if opener else lengths[algorithm]),
                algorithm=algorithm,
                key_id=_key_id(place, parts[0], keys),
                opener=opener,
            )
        )
    return tuple(keys)


def _hash_keys(section: Section, name: str) -> tuple[HashKey, ...]:
    lengths = dict.fromkeys(HASH_ALGORITHMS, HASH_KEY_BYTES)
    return _keys(section, name, HashKey, lengths, HASH_ALGORITHMS[0])


def _opener(section: Section, place: str, parts: list[Secret]) -> str | None:
    """DATA_KEY_BACKEND, where the key is wrapped: "<id>:<algorithm>:wrapped:<base64>"."""
    if len(parts) == 4 and parts[2].reveal() == "wrapped":
        backend = section.text("DATA_KEY_BACKEND")
        if backend is None:
            raise ConfigurationError(f"{place} is wrapped: set DATA_KEY_BACKEND, which opens it.")
        return backend
    if len(parts) not in (2, 3):
        raise ConfigurationError(
            f'{place} must have the form "<id>:<algorithm>:<base64>", '
            'or "<id>:<algorithm>:wrapped:<base64>".'
        )
    return None


def _material(place: str, text: Secret, length: int | None) -> bytes:
    """The key of that length, or what DATA_KEY_BACKEND makes a key of, of any length."""
    material = b""
    with suppress(ValueError):
        material = base64.b64decode(text.reveal(), validate=True)
    if length is not None and len(material) != length:
        del material
        raise ConfigurationError(f"{place} must end with {length} bytes in base64.")
    if not material:
        raise ConfigurationError(f"{place} must end with the wrapped key in base64.")
    return material


def _key_id(place: str, text: Secret, known: Iterable[EncryptionKey | HashKey]) -> str:
    if not _KEY_ID.fullmatch(text.reveal()):
        raise ConfigurationError(
            f"{place} must begin with a key id of 1 to 32 letters, digits, '.', '_', '-'."
        )
    key_id = text.reveal()
    if key_id in [key.key_id for key in known]:
        raise ConfigurationError(f'{place} repeats the key id "{key_id}": each key needs its own.')
    return key_id


def _algorithm(place: str, text: Secret, known: tuple[str, ...]) -> str:
    for algorithm in known:
        if algorithm == text.reveal():
            return algorithm
    raise ConfigurationError(f"{place} must name one of the algorithms: {', '.join(known)}.")


def _key_source(section: Section, *, pem: bool) -> KeySource:
    for text, file in (("PRIVATE_KEY", "PRIVATE_KEY_FILE"), ("CERTIFICATE", "CERTIFICATE_FILE")):
        if section.given(text) and section.given(file):
            raise section.wrong(text, f'and "{file}" are both given: keep one of them.')
    if pem and not (section.given("PRIVATE_KEY") or section.given("PRIVATE_KEY_FILE")):
        raise section.wrong("PRIVATE_KEY", 'is missing: set it, or "PRIVATE_KEY_FILE".')
    return KeySource(
        setting=section.setting,
        private_key=section.secret("PRIVATE_KEY"),
        private_key_file=section.path("PRIVATE_KEY_FILE"),
        passphrase=section.passphrase("PRIVATE_KEY_PASSPHRASE"),
        certificate=section.text("CERTIFICATE"),
        certificate_file=section.path("CERTIFICATE_FILE"),
        cert_serialno=_serialno(section),
    )


def _serialno(section: Section) -> str | None:
    serial = section.text("CERT_SERIALNO")
    if serial is None:
        return None
    if not re.fullmatch(r"[0-9A-Fa-f]{1,40}", serial.strip()):
        raise section.wrong("CERT_SERIALNO", "must be up to 40 hexadecimal digits.")
    return serial.strip().upper().zfill(40)


def _moment(section: Section, name: str) -> datetime:
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(section.required(name).replace("Z", "+00:00"))
        if moment.tzinfo is not None:
            return moment.astimezone(timezone.utc)
    raise section.wrong(name, 'must be a time with its zone, such as "2027-01-01T00:00:00Z".')


def _category_id(section: Section) -> tuple[int, ...] | None:
    value = section.raw("CATEGORY_ID")
    if value is None:
        return None
    numbers = isinstance(value, (list, tuple)) and all(type(number) is int for number in value)
    if not numbers or len(value) != 2:
        raise section.wrong("CATEGORY_ID", "must be two numbers, such as [99, 904].")
    return tuple(value)


def _merchant(alias: str, section: Section) -> Merchant:
    backend = section.text("KEY_BACKEND") or PEM_KEY_BACKEND
    provider = section.text("ACCESS_TOKEN_PROVIDER")
    if provider is None:
        section.visible("APP_SECRET")
    upcoming = _next(section)
    pem = backend == PEM_KEY_BACKEND and _has_button(section)
    return Merchant(
        alias=alias,
        app_id=section.visible("APP_ID", 64),
        app_secret=section.secret("APP_SECRET"),
        mch_id=section.visible("MCH_ID", 32) if _has_button(section) else None,
        keys=_key_source(section, pem=pem),
        next_keys=_key_source(upcoming, pem=pem) if upcoming else None,
        next_from=_moment(upcoming, "FROM") if upcoming else None,
        category_id=_category_id(section),
        key_backend=backend,
        access_token_provider=provider,
        application=_application(section),
    )


def _has_button(section: Section) -> bool:
    """Whether anything of the button's is given; a mini-program that only verifies faces has none of it."""
    return any(section.given(name) for name in ("MCH_ID", "CATEGORY_ID", "NEXT", *KEY_SOURCE_NAMES))


def _next(section: Section) -> Section | None:
    if section.raw("NEXT") in (None, {}):
        return None
    return section.section("NEXT", (*KEY_SOURCE_NAMES, "FROM"))


def _application(section: Section) -> Mapping[str, Any]:
    if section.given("APPLICATION"):
        section.section("APPLICATION")  # a dict, or an error
    return section.raw("APPLICATION") or {}


def _merchants(section: Section) -> Mapping[str, Merchant]:
    if not section.raw("MERCHANTS"):
        raise section.wrong("MERCHANTS", "is missing: set it to a dict with a merchant by alias.")
    merchants = section.section("MERCHANTS")
    for alias in merchants:
        if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
            raise section.wrong("MERCHANTS", "has an alias that isn't 1 to 64 plain characters.")
    return MappingProxyType(
        {alias: _merchant(alias, merchants.section(alias, MERCHANT_NAMES)) for alias in merchants}
    )


def _api_base_url(section: Section) -> str:
    name = "API_BASE_URL"
    try:
        url = urlsplit(section.text(name, "https://api.weixin.qq.com") or "")
        host = url.hostname or ""
        plain = not (url.username or url.password or url.query or url.fragment) and url.port != 0
    except ValueError:
        raise section.wrong(name, "isn't a URL.") from None
    if url.scheme not in ("http", "https") or not plain or not host or re.search(r"\s", host):
        raise section.wrong(name, "must be an http(s) address without user, query or fragment.")
    if not VISIBLE_ASCII.fullmatch(url.geturl()):  # it stands in the head of each request
        raise section.wrong(
            name, 'must be visible ASCII: write the host as "xn--…", escape the path.'
        )
    if url.scheme == "http" and not is_loopback(host):
        raise section.wrong(name, "must begin with https:// (plain http is for loopback only).")
    return url.geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _rate(section: Section, name: str, default: str) -> str | None:
    rate = section.text(name) if name in section else default
    if rate is not None and not _RATE.fullmatch(rate):
        raise section.wrong(name, 'must be like "10/min" (s, min, hour, day) or None.')
    return rate


def _refuse_contradictions(section: Section, parsed: Settings) -> None:
    if parsed.pending_timeout <= 2 * parsed.total_timeout:
        raise section.wrong("PENDING_TIMEOUT", "must be more than twice TOTAL_TIMEOUT.")
    if parsed.response == "plain" and parsed.storage == "masked":
        raise section.wrong("RESPONSE", '"plain" needs STORAGE "encrypted".')
    if parsed.cache_alias not in settings.CACHES:
        raise section.wrong("CACHE_ALIAS", f'"{parsed.cache_alias}" is not in CACHES.')
    if not settings.USE_TZ:
        raise ConfigurationError("USE_TZ must be True: wx_realname's times are in UTC.")
