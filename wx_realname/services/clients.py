"""Each merchant's WeChat client: made once in each process, and again when its settings change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.db import connections
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..exceptions import ConfigurationError, InvalidRequest
from ..vault.keyring import ColumnCipher, column_cipher
from ..waiting import within
from ..wechat.access_token import AccessTokens, ProvidedTokens, StableTokens
from ..wechat.client import Credentials, WeChatClient
from ..wechat.merchant_key import MerchantKeys
from ..wechat.per_process import PerProcess
from ..wechat.reading import Answer, Deadline
from ..wechat.transport import Transport
from .cache import Cache
from .transactions import release

UNKNOWN = _("There is no such merchant.")
NAME_ONE = _("Name the merchant, one of: %(aliases)s.")

T = TypeVar("T")


class _Basis(NamedTuple):
    """The settings that a client is made from; it is kept as long as they don't change."""

    merchant: conf.Merchant
    api_base_url: str
    connect_timeout: float
    read_timeout: float
    cache_alias: str


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
        current = conf.current()
        basis = _Basis(
            merchant,
            current.api_base_url,
            current.connect_timeout,
            current.read_timeout,
            current.cache_alias,
        )
        with self._lock:
            known = self._clients.get(merchant.alias)
            if known is None or known[0] != basis:
                known = self._clients[merchant.alias] = basis, _client(basis)
            return known[1]


_registry = PerProcess(_Registry)


def _client(basis: _Basis) -> WeChatClient:
    merchant = basis.merchant
    transport = _Transport(
        basis.api_base_url,
        connect_timeout=basis.connect_timeout,
        read_timeout=basis.read_timeout,
    )
    credentials = Credentials(merchant, transport)
    keys = MerchantKeys(merchant, import_object(merchant.key_backend, "KEY_BACKEND"))
    return WeChatClient(merchant, transport, credentials, _tokens(basis, credentials), keys)


def _tokens(basis: _Basis, credentials: Credentials) -> AccessTokens:
    merchant = basis.merchant
    if merchant.access_token_provider:
        provider = import_object(merchant.access_token_provider, "ACCESS_TOKEN_PROVIDER")
        return ProvidedTokens(provider, merchant.app_id, _wait_for_provider)
    return StableTokens(
        fetch=credentials.fetch_access_token,
        cache=Cache(basis.cache_alias),
        seal=_CacheSeal(),
        name=f"{basis.api_base_url} {merchant.app_id}",
    )


def _wait_for_provider(seconds: float, ask: Callable[[], T]) -> T:
    """The provider's token. Its thread ends with the call, and no database connection outlives it.

    Inside a transaction, which a test of the host has, it is asked in the same thread, without a time
    limit: another thread has a connection of its own, and doesn't see the test's rows.
    """
    if any(connections[alias].in_atomic_block for alias in connections):
        return ask()

    def ask_and_close() -> T:
        try:
            return ask()
        finally:
            connections.close_all()

    return within(seconds, ask_and_close)


def import_object(path: str, setting: str) -> Any:
    """The object at an import path. Raises `ConfigurationError`, which names the setting."""
    fault = ""
    try:
        return import_string(path)
    except Exception as error:  # a site's module may fail in any way
        fault = type(error).__name__
    raise ConfigurationError(f'{setting} "{path}" could not be imported ({fault}).')


def find(alias: Any) -> conf.Merchant:
    """The merchant with that alias. Raises `InvalidRequest` when there is none.

    Where none is the default one, which callers mean who name none, the error lists the aliases.
    """
    known = conf.current().merchants
    merchant = known.get(alias) if isinstance(alias, str) else None
    if merchant is None:
        listed = str(NAME_ONE) % {"aliases": ", ".join(known)}
        words = listed if alias == "default" else str(UNKNOWN)
        raise InvalidRequest(errors={"merchant": [words]})
    return merchant


def client_for(merchant: conf.Merchant) -> WeChatClient:
    """The process's client of that merchant."""
    return _registry().client(merchant)


def deadline() -> Deadline:
    """A deadline TOTAL_TIMEOUT seconds from now."""
    return Deadline(conf.current().total_timeout)
