"""System checks: report at start what would fail at the first citizen, with the setting and the remedy.

`--deploy` adds checks for production, `--database` checks that query the database.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils.module_loading import import_string

from . import conf, database_checks, deploy_checks
from .exceptions import ConfigurationError
from .models import Verification
from .services import clients
from .services.operation import application, certificates
from .services.verification.categories import remembered
from .wechat.categories import is_open
from .wechat.merchant_key import MerchantKeys
from .wechat.transport import environment_fault

TAG = "wx_realname"


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
        hint = "Correct the setting that is named; the docs list them all under “Settings”."
        yield checks.Error(str(error), hint=hint, id="wx_realname.E001")


def keys_are_right() -> Iterator[checks.CheckMessage]:
    """E002: a merchant's key, certificate or serial number is missing, unreadable, or they don't match.

    W001: a certificate ends soon, and no other takes over before. W004: a certificate has ended, and no
    other took over before.
    """
    for merchant in conf.current().merchants.values():
        if not merchant.has_button:
            continue  # faces and checks are signed by no key
        backend = _backend(merchant)
        if backend is None:
            continue  # E004 says so
        try:
            loaded = MerchantKeys(merchant, backend).all()
        except ConfigurationError as error:
            hint = _file_hint(str(error)) or (
                "Take apiclient_key.pem and apiclient_cert.pem (or apiclient_cert.p12) from WeChat Pay's "
                "merchant platform, account settings, API security. A mini-program that only verifies "
                "faces needs no MCH_ID, key, certificate or CATEGORY_ID. To try without a merchant: "
                "python -m wx_realname.sandbox --new-merchant DIR."
            )
            yield checks.Error(str(error), hint=hint, id="wx_realname.E002")
            continue
        theirs = certificates.certificates_among(merchant, loaded)
        for source, certificate in zip(merchant.key_sources, theirs, strict=True):
            yield from _expiry(source.setting, certificate)


def _file_hint(fault: str) -> str | None:
    """The remedy for the operating system's reason why a file can't be read."""
    if fault.endswith(f"{os.strerror(errno.EACCES)}."):
        return "Let it and its folders be readable by the user that runs the site: chown, then chmod 600."
    if fault.endswith(f"{os.strerror(errno.ENOENT)}."):
        return "Correct the path: an absolute one doesn't depend on where the site is started."
    return None


def _backend(merchant: conf.Merchant) -> Any:
    try:
        return clients.import_object(merchant.key_backend, "KEY_BACKEND")
    except ConfigurationError:
        return None


def _expiry(setting: str, found: certificates.Certificate) -> Iterator[checks.CheckMessage]:
    hint = 'Renew it in the merchant platform; "NEXT" lets the new one take over without downtime.'
    if found.has_ended:
        text = f"{setting}: the certificate ended on {found.ends:%Y-%m-%d}."
        yield checks.Warning(text, hint=hint, id="wx_realname.W004")
    elif found.needs_care:
        text = (
            f"{setting}: the certificate ends in {found.days_left} days, on {found.ends:%Y-%m-%d}."
        )
        yield checks.Warning(text, hint=hint, id="wx_realname.W001")


def imports_are_right() -> Iterator[checks.CheckMessage]:
    """E004: an import string of the settings can't be imported."""
    current = conf.current()
    paths = {
        'WX_REALNAME["MERCHANT_RESOLVER"]': current.merchant_resolver,
        'WX_REALNAME["OPENID_RESOLVER"]': current.openid_resolver,
        'WX_REALNAME["CLIENT_IP_RESOLVER"]': current.client_ip_resolver,
        'WX_REALNAME["SUBJECT_COPY"]': current.subject_copy,
        'WX_REALNAME["DATA_KEY_BACKEND"]': current.data_key_backend,
    }
    for merchant in current.merchants.values():
        place = merchant.keys.setting
        paths[f'{place}["KEY_BACKEND"]'] = merchant.key_backend
        paths[f'{place}["ACCESS_TOKEN_PROVIDER"]'] = merchant.access_token_provider
    for setting, path in paths.items():
        if path and (fault := _import_fault(path, setting)):
            hint = "Give its full path, such as “project.wechat.resolve_merchant”."
            yield checks.Error(fault, hint=hint, id="wx_realname.E004")


def _import_fault(path: str, setting: str) -> str:
    """Why what the path names can't be called; "" when it can."""
    try:
        named = clients.import_object(path, setting)
    except ConfigurationError as error:
        return str(error)
    return "" if callable(named) else f"{setting} can't be called."


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


def applications_are_known() -> Iterator[checks.CheckMessage]:
    """W006: APPLICATION has a name that no form asks, or a number that isn't one."""
    for alias, merchant in conf.current().merchants.items():
        place = f'WX_REALNAME["MERCHANTS"]["{alias}"]["APPLICATION"]'
        for name, value in merchant.application.items():
            if name not in application.NAMES:
                hint = f"Known are: {', '.join(application.NAMES)}."
                yield checks.Warning(
                    f'{place}["{name}"] is unknown.', hint=hint, id="wx_realname.W006"
                )
            elif name in application.NUMBERS and (type(value) is not int or value <= 0):
                hint = (
                    "Give a positive whole number: overview and doctor compare the calls with it."
                )
                yield checks.Warning(
                    f'{place}["{name}"] is not a number.', hint=hint, id="wx_realname.W006"
                )


def categories_are_open() -> Iterator[checks.CheckMessage]:
    """W007: CATEGORY_ID isn't among the open categories, in WeChat's last answer."""
    if isinstance(caches[conf.current().cache_alias], DatabaseCache):
        return  # looking there would ask a database, which may not be there yet
    for alias, merchant in conf.current().merchants.items():
        known = remembered(merchant)
        if merchant.category_id is None or not known:
            continue  # never asked: realname_doctor asks
        # a list: what WeChat gives for an id may be anything, and this is asked at every start
        ids = [(c.get("first_id"), c.get("second_id")) for c in known if is_open(c)]
        if merchant.category_id not in ids:
            yield checks.Warning(
                f'WX_REALNAME["MERCHANTS"]["{alias}"]["CATEGORY_ID"] is not a category of the '
                "mini-program's that the interface is open to.",
                hint="manage.py realname_doctor lists those that are.",
                id="wx_realname.W007",
            )


def a_merchant_is_chosen() -> Iterator[checks.CheckMessage]:
    """W024: no merchant is "default", and no MERCHANT_RESOLVER chooses: each call has to name one."""
    current = conf.current()
    if "default" not in current.merchants and current.merchant_resolver is None:
        yield checks.Warning(
            'WX_REALNAME["MERCHANTS"] has no "default": a call that names none of '
            f"{', '.join(current.merchants)} is refused.",
            hint='Call one of them "default", or set MERCHANT_RESOLVER.',
            id="wx_realname.W024",
        )


def records_lie_beside_their_users() -> Iterator[checks.CheckMessage]:
    """E006: a router keeps records and users apart, and a foreign key can't cross databases."""
    aliases = [router.db_for_write(model) for model in (get_user_model(), Verification)]
    users, records = (connections[alias].settings_dict for alias in aliases)
    if any(users.get(name) != records.get(name) for name in ("ENGINE", "HOST", "PORT", "NAME")):
        yield checks.Error(
            f'Records are routed to the database "{aliases[1]}", but their users are in "{aliases[0]}": '
            "no record could be written, since its foreign key can't cross databases.",
            hint="Have DATABASE_ROUTERS send the app wx_realname where the user model is.",
            id="wx_realname.E006",
        )


def environment_is_usable() -> Iterator[checks.CheckMessage]:
    """E009: the proxy or CA bundle that the environment names for WeChat can't be used.

    That is a SOCKS proxy without PySocks, another kind of proxy, or a missing file.
    """
    fault = environment_fault(conf.current().api_base_url)
    if fault:
        yield checks.Error(
            f"WeChat can't be reached from this environment: {fault}.",
            hint="Correct HTTPS_PROXY, ALL_PROXY, NO_PROXY or REQUESTS_CA_BUNDLE, or install PySocks.",
            id="wx_realname.E009",
        )


def databases_are_right(app_configs: Any, databases: Any = None, **options: Any) -> list[Any]:
    """Django calls it with the databases that were named, `migrate` with its own."""
    return [
        *database_checks.every_name_fits(databases),
        *database_checks.ids_are_native(databases),
        *database_checks.no_key_is_missing(databases),
    ]


_check(settings_are_right)
_check(keys_are_right)
_check(imports_are_right)
_check(ages_can_be_told)
_check(applications_are_known)
_check(categories_are_open)
_check(a_merchant_is_chosen)
_check(records_lie_beside_their_users)
_check(environment_is_usable)
for check in deploy_checks.DEPLOY:
    _check(check, deploy=True)
checks.register(databases_are_right, TAG, checks.Tags.database)
