"""Which parts of an installation use SM algorithms, by the keys of the settings and by what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import DatabaseError
from django.utils.translation import gettext as _

from ... import audit, conf
from ...models import Verification
from ...vault.keyring import headers_of
from ..missing_keys import under

SM = ("SM4-GCM", "HMAC-SM3")
Keys = Iterable[conf.EncryptionKey | conf.HashKey]


def line() -> str:
    """All parts in one line, by the keys of the settings alone. Raises `ConfigurationError`."""
    return _written(_parts(conf.current()))


def line_of_stored_data() -> str:
    """The same, with the algorithms that only stored data shows: two passes over the database.

    Without them where the database can't be read.
    """
    settings = conf.current()
    try:
        parts = _parts(settings, _derivations(settings), _derived_signers(settings))
    except DatabaseError:
        parts = _parts(settings)
    return _written(parts)


def _parts(
    settings: conf.Settings, derivations: tuple[str, ...] = (), signers: tuple[str, ...] = ()
) -> dict[str, tuple[str, ...]]:
    """The algorithms of each part: what writes stands first, then what only older data needs."""
    return {
        _("data at rest"): (*_of(settings.encryption_keys), *derivations),
        _("indexes and token digests"): _of(settings.index_keys),
        _("audit trail"): (*_of(settings.audit_keys or settings.index_keys), *signers),
        _("digests of notices"): ("SHA-256",),  # the API's field, whatever the keys are
    }


def _of(keys: Keys) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.algorithm for key in keys))


def _derivations(settings: conf.Settings) -> tuple[str, ...]:
    """HKDF-SHA256 where an SM4-GCM key's ciphertexts of envelope version 1 are left."""
    older = [header for key in settings.encryption_keys for header in headers_of(key)[1:]]
    rows = Verification.objects.deciding()
    return ("HKDF-SHA256",) if older and rows.filter(under(older)).exists() else ()


def _derived_signers(settings: conf.Settings) -> tuple[str, ...]:
    """The algorithms of seals and outcomes that keys derived from INDEX_KEYS made before AUDIT_KEYS."""
    if not settings.audit_keys:
        return ()
    signers = (key for key in settings.index_keys if audit.needing(key.key_id))
    return tuple(name for name in _of(signers) if name not in _of(settings.audit_keys))


def _written(parts: Mapping[str, tuple[str, ...]]) -> str:
    """With what WeChat prescribes. A part is SM only if all of its data is, older data included."""
    shown: dict[bool, list[str]] = {True: [], False: []}
    for name, algorithms in parts.items():
        is_sm = all(algorithm in SM for algorithm in algorithms)
        shown[is_sm].append(f"{name} ({', '.join(algorithms)})")
    none = _("nothing")
    return _(
        "SM: %(sm)s. Not SM: %(other)s. WeChat's choice, not SM: RSA PKCS#1 v1.5 and SHA-256."
    ) % {"sm": "; ".join(shown[True]) or none, "other": "; ".join(shown[False]) or none}
