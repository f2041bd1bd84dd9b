"""Checks of what only matters in production (`check --deploy`), by settings and the merchants' files."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.x509 import Certificate
from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning

from . import conf, sentry
from .exceptions import ConfigurationError
from .services import clients
from .services.cache import WAIT, waits_are_bounded
from .services.operation import algorithms

Found = Iterator[CheckMessage]

#: Each process has its own, or nothing is kept at all.
UNSHARED_CACHES = (
    "django.core.cache.backends.locmem.LocMemCache",
    "django.core.cache.backends.dummy.DummyCache",
)
READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


def audit_has_its_own_key() -> Found:
    """W003: AUDIT_KEYS is unset, so a holder of INDEX_KEYS can forge outcome codes."""
    if not conf.current().audit_keys:
        yield Warning(
            'WX_REALNAME["AUDIT_KEYS"] is unset: they are derived from INDEX_KEYS.',
            hint='Give ["a1:<base64 of 32 random bytes>"], and keep it apart from INDEX_KEYS.',
            id="wx_realname.W003",
        )


def wechat_is_the_real_one() -> Found:
    """W005: API_BASE_URL is this machine, where anybody can be “verified”."""
    host = urlsplit(conf.current().api_base_url).hostname or ""
    if conf.is_loopback(host):
        yield Warning(
            'WX_REALNAME["API_BASE_URL"] is a local WeChat: it verifies anybody.',
            hint="Leave API_BASE_URL out in production.",
            id="wx_realname.W005",
        )


def plain_answers_are_encrypted_on_the_way() -> Found:
    """W008: RESPONSE is "plain", and nothing says that the site is reached by TLS alone."""
    by_tls = settings.SECURE_SSL_REDIRECT or settings.SECURE_PROXY_SSL_HEADER
    if conf.current().response == "plain" and not by_tls:
        yield Warning(
            'WX_REALNAME["RESPONSE"] is "plain", and the site is not known to be reached by TLS alone: '
            "names and ID numbers could cross the network in the clear.",
            hint="Set SECURE_SSL_REDIRECT, or SECURE_PROXY_SSL_HEADER behind a proxy that ends TLS; "
            'or leave RESPONSE at "masked".',
            id="wx_realname.W008",
        )


def debug_is_off() -> Found:
    """W009: DEBUG is on: its error pages show local variables and settings to everybody."""
    if settings.DEBUG:
        yield Warning(
            "DEBUG is on: its error pages show strangers how citizens' data is handled, and every query "
            "is kept in memory.",
            hint="Set DEBUG to False.",
            id="wx_realname.W009",
        )


def processes_share_the_cache() -> Found:
    """W010: CACHE_ALIAS is a cache of each process's own, or none."""
    alias = conf.current().cache_alias
    backend = settings.CACHES[alias].get("BACKEND")
    if backend in UNSHARED_CACHES:
        yield Warning(
            f'CACHES["{alias}"], which WX_REALNAME["CACHE_ALIAS"] names, is {backend.rpartition(".")[2]}: '
            "processes share neither the access_token nor the throttle's counts.",
            hint="Use Redis, Memcached or the database; one process alone may keep its own cache.",
            id="wx_realname.W010",
        )


def the_cache_has_time_outs() -> Found:
    """W020: Redis may accept a connection and never answer; nothing in its settings ends the wait."""
    alias = conf.current().cache_alias
    if "redis" in settings.CACHES[alias].get("BACKEND", "").lower() and not waits_are_bounded(
        alias
    ):
        yield Warning(
            f'CACHES["{alias}"] has no time-outs of at most {WAIT:g} s: an operation that is given up keeps '
            "its thread and its connection while the server accepts and never answers.",
            hint='Set socket_connect_timeout and socket_timeout in its "OPTIONS", such as 0.5 (seconds).',
            id="wx_realname.W020",
        )


def sentry_gets_nothing_typed() -> Found:
    """W021: sentry-sdk runs, and would report what citizens and officers typed."""
    sdk = sys.modules.get("sentry_sdk")
    options = sdk.get_client().options if sdk else {}
    if not options.get("dsn"):
        return
    if options.get("max_request_body_size") != "never" and not _drops_what_was_posted(options):
        yield Warning(
            "sentry-sdk runs without ours: names, ID numbers and tokens posted to this site would be in its "
            "events, with tracing in those of every request.",
            hint='Set max_request_body_size="never", and before_send and before_send_transaction to those of '
            "wx_realname.sentry.",
            id="wx_realname.W021",
        )


def _drops_what_was_posted(options: dict[str, Any]) -> bool:
    """Whether our functions see each event. Whether one of the site's own calls ours isn't known."""
    # at a rate of 0, too, sentry-sdk traces a request whose header sentry-trace says that it is sampled
    traces = options.get("traces_sample_rate") is not None or options.get("traces_sampler")
    names = ("before_send", "before_send_transaction") if traces else ("before_send",)
    return all(options.get(name) is sentry.before_send for name in names)


def names_cannot_be_guessed() -> Found:
    """W022: NAME_INDEX is "exact": frequent names can be guessed from the database without a key."""
    if conf.current().name_index == "exact":
        yield Warning(
            'WX_REALNAME["NAME_INDEX"] is "exact": the same name has the same index in every record, so '
            "a reader of the database can guess frequent names from their frequencies.",
            hint='Set it to "none" and run realname_rotate_keys, which empties the indexes; or silence '
            "this, where officers must find a person by name alone.",
            id="wx_realname.W022",
        )


def consent_is_required() -> Found:
    """W023: CONSENT isn't "required": a record may have no evidence of what its citizen agreed to."""
    if conf.current().consent != "required":
        yield Warning(
            'WX_REALNAME["CONSENT"] is "optional": real names are asked for without a consent on record.',
            hint='Publish notices with realname_notices, and set CONSENT = "required".',
            id="wx_realname.W023",
        )


def keys_are_readable_by_the_site_only() -> Found:
    """W011: a file with a private key can be read by its group or by everybody."""
    if os.name == "nt":
        return  # its mode says nothing there
    for place, name in _key_files():
        with suppress(OSError):  # E002 says so
            if Path(name).stat().st_mode & READABLE_BY_OTHERS:
                yield Warning(
                    f"{place} can be read by its group or by every user of the machine.",
                    hint="chmod 600, and let it belong to the user that runs the site.",
                    id="wx_realname.W011",
                )


def _key_files() -> Iterator[tuple[str, str]]:
    for merchant in conf.current().merchants.values():
        for source in merchant.key_sources:
            if source.private_key_file:
                yield f'{source.setting}["PRIVATE_KEY_FILE"]', source.private_key_file


def each_key_has_one_purpose() -> Found:
    """W012: the same key stands in two places of the settings."""
    for (first, one), (second, other) in combinations(_keys_at_rest(), 2):
        if one == other:
            yield Warning(
                f"{second} is the same key as {first}: one leak discloses both.",
                hint="Make each key on its own: 32 random bytes. Data that is stored already stays "
                "readable while the old key stands behind the new one; then realname_rotate_keys.",
                id="wx_realname.W012",
            )


def _keys_at_rest() -> Iterator[tuple[str, bytes]]:
    current = conf.current()
    lists: dict[str, Iterable[conf.EncryptionKey | conf.HashKey]] = {
        "ENCRYPTION_KEYS": current.encryption_keys,
        "INDEX_KEYS": current.index_keys,
        "AUDIT_KEYS": current.audit_keys,
    }
    for name, keys in lists.items():
        for number, key in enumerate(keys):
            yield f'WX_REALNAME["{name}"][{number}]', key.material


def certificates_are_tenpays() -> Found:
    """W013: a certificate that nobody but its owner vouches for: the sandbox's, or made by hand."""
    for place, certificate in _certificates():
        if certificate.issuer == certificate.subject:
            yield Warning(
                f"{place}: the certificate is self-signed, as the sandbox's are: WeChat does not accept it.",
                hint="Take apiclient_cert.pem from WeChat Pay's merchant platform, account settings, "
                "API security: it is issued by Tenpay.",
                id="wx_realname.W013",
            )


def _certificates() -> Iterator[tuple[str, Certificate]]:
    with_button = (each for each in conf.current().merchants.values() if each.has_button)
    for merchant in with_button:
        with suppress(ConfigurationError):  # E002 or E004 say so
            loaded = clients.client_for(merchant).keys.all()
            for source, key in zip(merchant.key_sources, loaded, strict=True):
                if key.certificate:
                    yield source.setting, key.certificate


def sm_is_throughout() -> Found:
    """I001: which parts of the installation are SM, and which aren't, by the keys of the settings."""
    yield Info(
        algorithms.line(),
        hint="realname_doctor looks at what is stored, too; docs/security has the table for the assessor.",
        id="wx_realname.I001",
    )


DEPLOY = (
    audit_has_its_own_key,
    wechat_is_the_real_one,
    plain_answers_are_encrypted_on_the_way,
    debug_is_off,
    processes_share_the_cache,
    the_cache_has_time_outs,
    sentry_gets_nothing_typed,
    names_cannot_be_guessed,
    consent_is_required,
    keys_are_readable_by_the_site_only,
    each_key_has_one_purpose,
    certificates_are_tenpays,
    sm_is_throughout,
)
