"""System checks: what would fail at the first citizen is said at start, with the setting and the way out.

`manage.py check --database default` adds nothing; `--deploy` adds what only matters in production.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.x509 import Certificate
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from . import conf
from .exceptions import ConfigurationError
from .services import merchants
from .wechat.merchant_key import MerchantKeys

TAG = "wx_realname"
CERTIFICATE_WARNING = timedelta(days=60)


def _check(function: Callable[..., Iterator[checks.CheckMessage]], **kwargs: Any) -> None:
    def run(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
        return list(function()) if function is settings_are_right or _readable() else []

    checks.register(run, TAG, **kwargs)


def _readable() -> bool:
    try:
        conf.current()
    except ConfigurationError:
        return False  # E001 says so
    return True


def settings_are_right() -> Iterator[checks.CheckMessage]:
    """E001: WX_REALNAME is missing or wrong."""
    try:
        conf.current()
    except ConfigurationError as error:
        hint = "Correct the setting that is named; the README lists them all under “Settings”."
        yield checks.Error(str(error), hint=hint, id="wx_realname.E001")


def keys_are_right() -> Iterator[checks.CheckMessage]:
    """E002: a merchant's key, certificate or serial number is missing, unreadable, or they don't match.

    W001: a certificate ends soon. W004: it has ended. Neither is said of a certificate before whose
    end the next one takes over.
    """
    for merchant in conf.current().merchants.values():
        backend = _backend(merchant)
        if backend is None:
            continue  # E004 says so
        try:
            loaded = MerchantKeys(merchant, backend).all()
        except ConfigurationError as error:
            hint = (
                "Take apiclient_key.pem and apiclient_cert.pem (or apiclient_cert.p12) from WeChat Pay's "
                "merchant platform, account settings, API security. To try without a merchant: "
                "python -m wx_realname.sandbox --new-merchant DIR."
            )
            yield checks.Error(str(error), hint=hint, id="wx_realname.E002")
            continue
        for source, key in zip(_sources(merchant), loaded, strict=True):
            if key.certificate and not _is_relieved(merchant, source, key.certificate):
                yield from _expiry(source.setting, key.certificate.not_valid_after_utc)


def _backend(merchant: conf.Merchant) -> Any:
    try:
        return merchants.imported(merchant.key_backend, "KEY_BACKEND")
    except ConfigurationError:
        return None


def _sources(merchant: conf.Merchant) -> list[conf.KeySource]:
    return [source for source in (merchant.keys, merchant.next_keys) if source]


def _is_relieved(merchant: conf.Merchant, source: conf.KeySource, certificate: Certificate) -> bool:
    since = merchant.next_from
    return source is merchant.keys and since is not None and since < certificate.not_valid_after_utc


def _expiry(setting: str, ends: datetime) -> Iterator[checks.CheckMessage]:
    left = ends - datetime.now(timezone.utc)
    hint = 'Renew it in the merchant platform; "NEXT" lets the new one take over without downtime.'
    if left <= timedelta(0):
        text = f"{setting}: the certificate ended on {ends:%Y-%m-%d}."
        yield checks.Warning(text, hint=hint, id="wx_realname.W004")
    elif left < CERTIFICATE_WARNING:
        text = f"{setting}: the certificate ends in {left.days} days, on {ends:%Y-%m-%d}."
        yield checks.Warning(text, hint=hint, id="wx_realname.W001")


def imports_are_right() -> Iterator[checks.CheckMessage]:
    """E004: an import string of the settings can't be imported."""
    current = conf.current()
    paths = {
        'WX_REALNAME["MERCHANT_RESOLVER"]': current.merchant_resolver,
        'WX_REALNAME["OPENID_RESOLVER"]': current.openid_resolver,
        'WX_REALNAME["CLIENT_IP_RESOLVER"]': current.client_ip_resolver,
    }
    for merchant in current.merchants.values():
        place = merchant.keys.setting
        paths[f'{place}["KEY_BACKEND"]'] = merchant.key_backend
        paths[f'{place}["ACCESS_TOKEN_PROVIDER"]'] = merchant.access_token_provider
    for setting, path in paths.items():
        if path is None:
            continue
        try:
            fault = (
                "" if callable(merchants.imported(path, setting)) else f"{setting} can't be called."
            )
        except ConfigurationError as error:
            fault = str(error)
        if fault:
            hint = "Give its full path, such as “project.wechat.resolve_merchant”."
            yield checks.Error(fault, hint=hint, id="wx_realname.E004")


def ages_can_be_told() -> Iterator[checks.CheckMessage]:
    """W002: MinimumAge is used, and STORAGE "masked" keeps no birth date."""
    if conf.current().storage != "masked":
        return
    if getattr(settings, "ROOT_URLCONF", None):
        import_string(f"{settings.ROOT_URLCONF}.urlpatterns")  # the views name their permissions
    from .api.permissions import ages_in_use

    if ages_in_use:
        yield checks.Warning(
            'MinimumAge refuses everybody: WX_REALNAME["STORAGE"] is "masked", so no birth date is kept.',
            hint='Set STORAGE to "encrypted", or take MinimumAge out of permission_classes.',
            id="wx_realname.W002",
        )


def audit_has_its_own_key() -> Iterator[checks.CheckMessage]:
    """W003 (deploy): AUDIT_KEYS is unset, so who holds INDEX_KEYS can forge outcome codes."""
    if not conf.current().audit_keys:
        yield checks.Warning(
            'WX_REALNAME["AUDIT_KEYS"] is unset: they are derived from INDEX_KEYS.',
            hint='Give ["a1:<base64 of 32 random bytes>"], and keep it apart from INDEX_KEYS.',
            id="wx_realname.W003",
        )


def wechat_is_the_real_one() -> Iterator[checks.CheckMessage]:
    """W005 (deploy): API_BASE_URL is this machine, where anybody can be “verified”."""
    if conf.current().api_base_url.startswith("http://"):
        yield checks.Warning(
            'WX_REALNAME["API_BASE_URL"] is a local WeChat: it calls verified whoever it is told to.',
            hint="Leave API_BASE_URL out in production.",
            id="wx_realname.W005",
        )


_check(settings_are_right)
_check(keys_are_right)
_check(imports_are_right)
_check(ages_can_be_told)
_check(audit_has_its_own_key, deploy=True)
_check(wechat_is_the_real_one, deploy=True)
