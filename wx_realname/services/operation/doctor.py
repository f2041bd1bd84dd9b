"""Diagnosis without a citizen: settings, cache, keys of the data, and then each merchant."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.db import DatabaseError, router
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ... import conf
from ...exceptions import Misconfigured
from ...models import Verification
from ...vault import opening
from .. import missing_keys
from ..cache import Cache, CacheUnavailable
from . import algorithms
from .examination import Examination, Finding


def examine() -> Iterator[Finding]:
    """Examine each merchant. Raises `ConfigurationError` for settings that can't be read."""
    yield _endpoint()
    yield _cache_works()
    yield from _data_keys()
    yield from _database_faults()
    yield from _missing_keys()
    for merchant in conf.current().merchants.values():
        yield from Examination(merchant).findings()
    yield Finding("-", "algorithms", "ok", algorithms.line_of_stored_data())


def _endpoint() -> Finding:
    """The address of WeChat that the other findings are about."""
    url = urlsplit(conf.current().api_base_url)
    local, remote = _("Asks a local WeChat at %(host)s."), _("Asks WeChat at %(host)s.")
    says = local if conf.is_loopback(url.hostname or "") else remote
    return Finding("-", "wechat", "ok", says % {"host": url.netloc})


def _cache_works() -> Finding:
    alias = conf.current().cache_alias
    try:
        counted = _count(Cache(alias))
    except (CacheUnavailable, ValueError):
        counted = 0
    if counted == 2:
        says = _("Cache “%(alias)s” writes, reads and counts.")
        return Finding("-", "cache", "ok", says % {"alias": alias})
    says = _("Cache “%(alias)s” doesn't store or count values.")
    remedy = _("Check CACHES and the cache server; the log has the error.")
    return Finding("-", "cache", "fault", says % {"alias": alias}, remedy)


def _count(cache: Cache) -> Any:
    """2 if the cache writes, counts and reads."""
    key = f"wx_realname:doctor:{secrets.token_hex(8)}"
    cache.set(key, 1, timeout=10)
    cache.incr(key)
    found = cache.get(key)
    cache.delete(key)
    return found


def _data_keys() -> Iterator[Finding]:
    """Whether DATA_KEY_BACKEND opens the keys: while it doesn't, every request is `misconfigured`."""
    if not (wrapped := opening.wrapped_keys()):
        return
    try:
        opening.open_all()
    except Misconfigured:
        says = _("DATA_KEY_BACKEND doesn't open the keys; the log names the key and the error.")
        remedy = _("Check DATA_KEY_BACKEND and its device.")
        yield Finding("-", "data_keys", "fault", says, remedy)
        return
    says = _("DATA_KEY_BACKEND opens every wrapped key (%(count)d).")
    yield Finding("-", "data_keys", "ok", says % {"count": len(wrapped)})


def _database_faults() -> Iterator[Finding]:
    """The errors of `check --database`. A database that can't be read is the usage's finding."""
    tags, using = [checks.Tags.database], router.db_for_write(Verification)
    try:
        found = checks.run_checks(tags=tags, databases=[using])
    except DatabaseError:
        return
    for each in found:
        if each.level >= checks.ERROR and str(each.id).startswith("wx_realname."):
            yield Finding("-", "database", "fault", str(each.msg), each.hint or "")


def _missing_keys() -> Iterator[Finding]:
    """Keys that records need and the settings lack. A database that can't be read is the usage's finding."""
    rows = Verification.objects.deciding()
    try:
        found = missing_keys.missing_keys(rows)
    except DatabaseError:
        return
    for each in found:
        remedy = _("Add the key to its list again, after the first one.")
        yield Finding("-", "keys", "fault", _lacking(each) % vars(each), remedy)


def _lacking(missing: missing_keys.MissingKey) -> str:
    if missing.of_trail:
        return ngettext(
            "%(records)d outcome code or seal of the audit trail is under key %(key)s, "
            "which %(setting)s lacks.",
            "%(records)d outcome codes and seals of the audit trail are under key %(key)s, "
            "which %(setting)s lacks.",
            missing.records,
        )
    return ngettext(
        "%(records)d record is under key %(key)s, which %(setting)s lacks.",
        "%(records)d records are under key %(key)s, which %(setting)s lacks.",
        missing.records,
    )
