"""Prints the keys of a new site, wrapped where DATA_KEY_BACKEND is set."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wx_realname import conf
from wx_realname.exceptions import ConfigurationError
from wx_realname.management.base import RealnameCommand
from wx_realname.vault import opening

#: The variable, the first letter of its key's id, and what is lost with the key.
LISTS = (
    ("ENCRYPTION_KEYS", "e", gettext_lazy("names and numbers can't be read again")),
    (
        "INDEX_KEYS",
        "i",
        gettext_lazy("nobody can be found by name or number, and no token is recognized"),
    ),
    ("AUDIT_KEYS", "a", gettext_lazy("the audit trail so far can't be verified")),
)
PLAIN = gettext_lazy(
    "Keep these out of the repository and of database backups: in a secrets manager, or in an\n"
    "environment file of mode 600. Keep a copy of each in a safe place. Without it:"
)
WRAPPED = gettext_lazy(
    "Wrapped by %(backend)s: useless without its device. Back up the device's wrapping\n"
    "key as its maker says, and these lines. Without either:"
)
ADVICE = gettext_lazy(
    "Keep AUDIT_KEYS apart from the others: whoever has them can forge the trail.\n"
    "A new site's first keys only: on a site that runs, add a key by the steps of the operations page."
)


class Command(RealnameCommand):
    help = (
        "Print new keys as environment lines. Each is 32 random bytes (16 for SM4-GCM) from the operating "
        "system, wrapped where DATA_KEY_BACKEND is set. Nothing is stored; WX_REALNAME needn't be complete "
        "yet."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sm", action="store_true", help="SM4-GCM and HMAC-SM3 keys")

    def handle(self, *args: Any, sm: bool, **options: Any) -> None:
        backend = _backend()
        self._comment(WRAPPED % {"backend": backend} if backend else PLAIN)
        for name, _letter, lost in LISTS:
            self._comment(_("  %(name)s: %(lost)s.") % {"name": name, "lost": lost})
        self._comment(ADVICE)
        for name, letter, _lost in LISTS:
            key_id = f"{letter}{timezone.now():%Y%m%d}"
            self.stdout.write(f"{conf.PREFIX}{name}={_key(name, key_id, backend, sm=sm)}")

    def _comment(self, text: str | Promise) -> None:
        for line in str(text).splitlines():
            self.stdout.write(f"# {line}")


def _backend() -> str | None:
    """DATA_KEY_BACKEND, read by itself: the rest of WX_REALNAME may still be missing."""
    given = getattr(settings, "WX_REALNAME", None) or {}
    conf.refuse_unreadable(given)
    backend = given.get("DATA_KEY_BACKEND") if isinstance(given, Mapping) else None
    if backend is not None and not isinstance(backend, str):
        raise ConfigurationError('WX_REALNAME["DATA_KEY_BACKEND"] must be an import string.')
    return backend or None


def _key(name: str, key_id: str, backend: str | None, *, sm: bool) -> str:
    if name == "ENCRYPTION_KEYS":
        algorithm = "SM4-GCM" if sm else "AES-256-GCM"
        size = conf.KEY_BYTES[algorithm]
    else:
        algorithm = "HMAC-SM3" if sm else "HMAC-SHA256"
        size = conf.HASH_KEY_BYTES
    if backend:
        wrapped = base64.b64encode(opening.wrap(backend, os.urandom(size))).decode()
        return f"{key_id}:{algorithm}:wrapped:{wrapped}"
    return f"{key_id}:{algorithm}:{base64.b64encode(os.urandom(size)).decode()}"
