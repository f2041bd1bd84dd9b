"""The caller's openid and merchant: from the resolvers of the settings, or their defaults."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string

from .. import conf
from ..exceptions import ConfigurationError, InvalidRequest
from ..personal_data import Secret
from ..wechat.client import is_openid
from . import clients


def openid_of(request: Any) -> str:
    """The caller's openid: from OPENID_RESOLVER where it is set, else the user's name.

    Raises `ConfigurationError` when the value can't be an openid.
    """
    path = conf.current().openid_resolver
    openid = import_string(path)(request) if path else request.user.get_username()
    if not is_openid(openid):
        raise ConfigurationError(
            "The caller's openid is not known: name a function in OPENID_RESOLVER that returns it, "
            "or let the user's name be the openid."
        )
    return str(openid)


def merchant_of(request: Any, asked: Secret | None) -> str:
    """The alias: from MERCHANT_RESOLVER where it is set, else the caller's choice, else "default".

    Raises `InvalidRequest` when the caller asks for a merchant other than the resolver's, and
    `ConfigurationError` when the resolver's alias isn't in MERCHANTS.
    """
    path = conf.current().merchant_resolver
    if path is None:
        return asked.reveal() if asked else "default"
    alias = import_string(path)(request)
    if not isinstance(alias, str) or alias not in conf.current().merchants:
        raise ConfigurationError("MERCHANT_RESOLVER returned an alias that is not in MERCHANTS.")
    if asked and asked.reveal() != alias:
        raise InvalidRequest(errors={"merchant": [str(clients.UNKNOWN)]})
    return alias
