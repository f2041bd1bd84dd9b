"""Each merchant's WeChat client: made once in each process, and again when its settings change."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..exceptions import ConfigurationError, InvalidRequest
from ..vault.keyring import ColumnCipher, column_cipher
from ..wechat.access_token import AccessTokens, ProvidedTokens, StableTokens
from ..wechat.client import Credentials, WeChatClient
from ..wechat.merchant_key import MerchantKeys
from ..wechat.per_process import PerProcess
from ..wechat.reading import Answer, Deadline
from ..wechat.transport import Transport
from .cache import Cache
from .transactions import release

UNKNOWN = _("There is no such merchant.")


@dataclass(frozen=True)
class _Basis:
    """The settings that a client is made from; it is kept as long as they don't change."""

    merchant: conf.Merchant
    api_base_url: str
    connect_timeout: float
    read_timeout: float
    cache_alias: str

    @classmethod
    def now(cls, merchant: conf.Merchant) -> _Basis:
        settings = conf.current()
        return cls(
            merchant,
            settings.api_base_url,
            settings.connect_timeout,
            settings.read_timeout,
            settings.cache_alias,
        )


class _CacheSeal:
    """The vault's cipher for cached values, with the interface that `wechat` expects."""

    def seal(self, plaintext: str, context: bytes) -> bytes:
        return self._cipher().encrypt(plaintext, context)

    def open(self, envelope: bytes, context: bytes) -> str:
        return self._cipher().decrypt(envelope, context)

    def _cipher(self) -> ColumnCipher:
        return column_cipher(conf.current().encryption_keys, "cache.access_token")


class _Transport(Transport):
    """Releases database connections before every call."""

    def call(self, *args: Any, **kwargs: Any) -> Answer:
        release()
        return super().call(*args, **kwargs)


class _Registry:
    """The clients, by merchant alias."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, tuple[_Basis, WeChatClient]] = {}

    def client(self, merchant: conf.Merchant) -> WeChatClient:
        basis = _Basis.now(merchant)
        client = self._find(basis)
        if client is None:
            with self._lock:
                client = self._find(basis) or self._make(basis)
        return client

    def _find(self, basis: _Basis) -> WeChatClient | None:
        known = self._clients.get(basis.merchant.alias)
        return known[1] if known and known[0] == basis else None

    def _make(self, basis: _Basis) -> WeChatClient:
        client = _client(basis)
        self._clients[basis.merchant.alias] = (basis, client)
        return client


_registry = PerProcess(_Registry)


def _client(basis: _Basis) -> WeChatClient:
    merchant = basis.merchant
    transport = _Transport(
        basis.api_base_url,
        connect_timeout=basis.connect_timeout,
        read_timeout=basis.read_timeout,
    )
    credentials = Credentials(merchant, transport)
    keys = MerchantKeys(merchant, imported(merchant.key_backend, "KEY_BACKEND"))
    return WeChatClient(merchant, transport, credentials, _tokens(basis, credentials), keys)


def _tokens(basis: _Basis, credentials: Credentials) -> AccessTokens:
    merchant = basis.merchant
    if merchant.access_token_provider:
        provider = imported(merchant.access_token_provider, "ACCESS_TOKEN_PROVIDER")
        return ProvidedTokens(provider, merchant.app_id)
    return StableTokens(
        fetch=credentials.fetch_access_token,
        cache=Cache(basis.cache_alias),
        seal=_CacheSeal(),
        name=f"{basis.api_base_url} {merchant.app_id}",
    )


def imported(path: str, setting: str) -> Any:
    """The object at an import path. Raises `ConfigurationError`, which names the setting."""
    fault = ""
    try:
        return import_string(path)
    except Exception as error:  # a site's module may fail in any way
        fault = type(error).__name__
    raise ConfigurationError(f'{setting} "{path}" could not be imported ({fault}).')


def find(alias: Any) -> conf.Merchant:
    """The merchant with that alias. Raises `InvalidRequest` when there is none."""
    merchant = conf.current().merchants.get(alias) if isinstance(alias, str) else None
    if merchant is None:
        raise InvalidRequest(errors={"merchant": [str(UNKNOWN)]})
    return merchant


def client_for(merchant: conf.Merchant) -> WeChatClient:
    """The process's client of that merchant."""
    return _registry().client(merchant)


def deadline() -> Deadline:
    """A deadline TOTAL_TIMEOUT seconds from now."""
    return Deadline(conf.current().total_timeout)
