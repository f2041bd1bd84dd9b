"""Which parts of an installation use SM algorithms, according to the keys of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from ... import conf


@dataclass(frozen=True)
class Part:
    """One use of keys: the algorithm that writes, and those that only older data needs."""

    name: str
    writes: str
    older: tuple[str, ...]

    @property
    def is_sm(self) -> bool:
        """Whether all of its data is under SM algorithms, older data included."""
        return all("SM" in algorithm for algorithm in (self.writes, *self.older))


def parts() -> tuple[Part, ...]:
    """Data at rest, indexes, audit trail. Raises `ConfigurationError`."""
    settings = conf.current()
    return (
        _part(_("data at rest"), settings.encryption_keys),
        _part(_("indexes and token digests"), settings.index_keys),
        _part(_("audit trail"), settings.audit_keys or settings.index_keys),
    )


def line() -> str:
    """All parts in one line, with what WeChat prescribes."""
    sm = [_shown(part) for part in parts() if part.is_sm]
    other = [_shown(part) for part in parts() if not part.is_sm]
    none = _("nothing")
    return _(
        "SM: %(sm)s. Not SM: %(other)s. WeChat's choice, not SM: RSA PKCS#1 v1.5 and SHA-256."
    ) % {"sm": "; ".join(sm) or none, "other": "; ".join(other) or none}


def _part(name: str, keys: tuple[conf.EncryptionKey, ...] | tuple[conf.HashKey, ...]) -> Part:
    writes, *older = dict.fromkeys(key.algorithm for key in keys)
    return Part(name, writes, tuple(older))


def _shown(part: Part) -> str:
    return f"{part.name} ({', '.join((part.writes, *part.older))})"
