"""Keys that records and trail need and the settings lack, found by ciphertext headers and by key ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q

from .. import audit, conf
from ..exceptions import DecryptionError
from ..managers import VerificationQuerySet
from ..models import Verification
from ..vault.fields import Sealed
from ..vault.keyring import Header, headers_of

NAME, NUMBER = "real_name_encrypted", "credential_id_encrypted"
FACE = "face_encrypted"  # while a face verification waits
ENCRYPTED = (NAME, NUMBER, FACE)
MOST = 20  # missing keys, at most, that are reported of one setting


@dataclass(frozen=True)
class MissingKey:
    """A key that the setting lacks, with its id as the database has it, and how many records need it.

    `of_trail`: it is outcomes and seals of the audit trail that need it.
    """

    setting: str
    key: str
    records: int
    of_trail: bool = False


def missing_keys(rows: VerificationQuerySet) -> list[MissingKey]:
    """Keys of any kind that the rows and the audit trail need."""
    return [*of_ciphertexts(rows), *of_digests(rows), *of_trail()]


def of_ciphertexts(rows: VerificationQuerySet) -> Iterator[MissingKey]:
    """Missing keys that names and numbers need: one pass over the rows, and two for each missing key."""
    known = opened_by(conf.current().encryption_keys)
    no_ciphertexts: list[Any] = []
    for _ in range(MOST):
        strays = rows.filter(not_under(known)).exclude(pk__in=no_ciphertexts)
        stray = strays.order_by().values_list("pk", *ENCRYPTED)[:1]
        if not stray:
            return
        pk, *columns = stray[0]
        header = next(_strange_headers(columns, known), None)
        if header is None:  # not an envelope: realname_verify_audit reports it
            no_ciphertexts.append(pk)
            continue
        headers = header.of_the_same_key()
        known += headers
        key = f"{header.key_id!r} ({header.algorithm})"
        yield MissingKey("ENCRYPTION_KEYS", key, rows.filter(under(headers)).count())


def _strange_headers(columns: Iterable[Sealed | None], known: list[Header]) -> Iterator[Header]:
    for sealed in filter(None, columns):
        try:
            header = Header.of(sealed.envelope)
        except DecryptionError:
            continue
        if header not in known:
            yield header


def of_indexes(rows: VerificationQuerySet, most: int | None = None) -> Iterator[MissingKey]:
    """Missing keys that searches need: one indexed read for each key id of the rows.

    `most`: how many records of a key are counted; None: all of them.
    """
    known, last = {key.key_id for key in conf.current().index_keys}, ""
    for _ in range(MOST + len(known)):
        behind = rows.filter(index_key_id__gt=last).order_by("index_key_id")
        last = behind.values_list("index_key_id", flat=True).first() or ""
        if not last:
            return
        if last not in known:
            records = rows.filter(index_key_id=last).order_by()[:most].count()
            yield MissingKey("INDEX_KEYS", repr(last), records)


def of_digests(rows: VerificationQuerySet) -> Iterator[MissingKey]:
    """Missing keys of blind indexes and token digests: one pass over the rows."""
    known = {key.key_id for key in conf.current().index_keys}
    others = rows.exclude(index_key_id__in=["", *known], token_key_id__in=known).order_by()
    needed: Counter[str] = Counter()
    columns = others.values_list("index_key_id", "token_key_id", "method").annotate(Count("pk"))
    for index, token, method, records in columns:
        # the digest of a face is of its own id: nobody looks for it
        ids = {index} if method == Verification.Method.FACE else {index, token}
        needed.update(dict.fromkeys(ids - known - {""}, records))
    for key, records in sorted(needed.items())[:MOST]:
        yield MissingKey("INDEX_KEYS", repr(key), records)


def of_trail() -> Iterator[MissingKey]:
    """Missing keys of outcomes and seals: one pass over the trail. A derived key is that of INDEX_KEYS."""
    for key, count in sorted(audit.missing_keys().items())[:MOST]:
        setting, id_ = audit.place_of(key)
        yield MissingKey(setting, repr(id_), count, of_trail=True)


def opened_by(keys: tuple[conf.EncryptionKey, ...]) -> list[Header]:
    """The headers of the ciphertexts that the keys open."""
    return [header for key in keys for header in headers_of(key)]


def under(headers: Iterable[Header], *columns: str) -> Q:
    """Rows of which one of the columns begins with one of the headers."""
    tests = [
        Q(**{f"{name}__header": bytes(header)})
        for header in headers
        for name in columns or ENCRYPTED
    ]
    return reduce(or_, tests)


def not_under(headers: Iterable[Header]) -> Q:
    """Rows with a ciphertext that begins with none of the headers."""
    known = list(headers)
    return reduce(or_, (Q(**{f"{it}__isnull": False}) & ~under(known, it) for it in ENCRYPTED))
