"""Many records and events at once, as years of a site's life leave them: 12,000 a day, newest last.

What the n-th row is follows from n, and when it was from the moment at which the history ends: now, so that
the last days aren't empty. A larger database is a longer history of the same site. Ciphertexts and outcome
codes are genuine, made with the keys of the settings; of events that stand as sealed there are no seals.
Indexes are made after the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from itertools import chain, islice
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

from wx_realname import conf
from wx_realname.audit import outcome
from wx_realname.models import AuditAccess, AuditEvent, Verification
from wx_realname.personal_data import PersonalData
from wx_realname.vault import blind_index

STEP = timedelta(seconds=7.2)
RECORDS_OF_A_USER = 5
LINKS_OF_AN_EXPORT = 1_000
LOOKS = 60
CHUNK = 5_000
RARE = 101  # every so many-th row is of a rare kind
NAME, COMMON_NAME, NUMBER = "欧阳娜", "张伟", "440524198001010013"
MERCHANT, OTHER_MERCHANT = "default", "other"
PERSON = PersonalData(COMMON_NAME, NUMBER)
#: By a record's status; any other ended with its exchange.
EVENTS = {"pending": "auth_token_in_use", "unknown": "exchange_abandoned", "erased": "erase"}


def fill(count: int, *, end: datetime, unsealed: int = 500) -> None:
    """That many records and as many events until then, and users to whom they belong; analyzed."""
    users = -(-count // RECORDS_OF_A_USER)
    begin = end - count * STEP
    with _unindexed(Verification), _unindexed(AuditEvent):
        _insert(get_user_model(), (_user(n, begin) for n in range(users)))
        first = get_user_model().objects.order_by("pk").values_list("pk", flat=True)[0]
        indexes = _indexes()
        owner = partial(_owner, first=first, users=users)
        _insert(
            Verification,
            (_record(n, begin + n * STEP, owner(n), indexes) for n in range(count)),
        )
        _insert(
            AuditEvent,
            (_event(n, begin + n * STEP, owner(n), n >= count - unsealed) for n in range(count)),
        )
    analyze(Verification, AuditEvent, get_user_model())


def fill_accesses(count: int, *, end: datetime) -> Verification:
    """That many links from exports to records, and LOOKS reveals by the first user; analyzed.

    The first of the reveals' records, which is returned, was revealed each time; of the other links' records
    only as many are there as `fill` made.
    """
    officer = str(get_user_model().objects.get(username="citizen-0").pk)
    seen = list(Verification.objects.filter(status="verified").order_by("pk")[:LOOKS])
    _insert(AuditEvent, (_look(n, end, officer, 2) for n in range(LOOKS)))
    with _unindexed(AuditAccess):
        _insert(AuditEvent, (_part(n, end) for n in range(0, count, LINKS_OF_AN_EXPORT)))
        _insert(AuditAccess, (_link(n, end) for n in range(count)))
        for of in (seen, seen[:1] * LOOKS):
            _insert(AuditAccess, (_linked(_look(n, end, "", 0), of[n].pk) for n in range(LOOKS)))
    analyze(AuditAccess, AuditEvent)
    return seen[0]


def analyze(*tables: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        for model in tables:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"ANALYZE {'TABLE ' * (connection.vendor == 'mysql')}{table}")
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM")  # without it the first reader pays for the hint bits


# --- what a row is ----------------------------------------------------------------------------


def _user(n: int, begin: datetime) -> dict[str, Any]:
    blank = dict.fromkeys(("password", "first_name", "last_name", "email"), "")
    flags = {"is_active": True, "is_staff": False, "is_superuser": False, "last_login": None}
    return {"username": f"citizen-{n}", "date_joined": begin} | blank | flags


def _indexes() -> dict[str, str]:
    """The blind indexes by which the tests find: of a rare name, a common one, and a number."""
    keys = conf.current().index_keys
    names, numbers = blind_index.names(keys), blind_index.numbers(keys)
    return {
        NAME: names.digest(blind_index.name_form(NAME)).hex,
        COMMON_NAME: names.digest(blind_index.name_form(COMMON_NAME)).hex,
        NUMBER: numbers.digest(blind_index.number_form(NUMBER)).hex,
    }


def _id(at: datetime, digest: str) -> UUID:
    """As `uuid7` makes them: by the millisecond, then at random."""
    milliseconds = int(at.timestamp() * 1000)
    random = int(digest[:19], 16)
    value = milliseconds << 80 | 0x7 << 76 | random >> 62 << 64 | random & (1 << 62) - 1
    return UUID(int=value | 0x2 << 62)


def _owner(n: int, *, first: int, users: int) -> int:
    """Five records to each user, and every fiftieth to the first of them."""
    return first + (0 if n % 50 == 0 else n % users)


def _kind(n: int) -> tuple[str, int | None]:
    """Status and errcode: of a hundred attempts ninety succeed."""
    if n % 1009 == 7:
        return "pending", None
    if n % RARE == 3:
        return "unknown", None
    part = n % 100
    if part < 4:
        return "rejected", 94004
    if part < 6:
        return "failed", 94006
    return ("erased", None) if part < 8 else ("verified", None)


def _error_code(errcode: int | None) -> str:
    return {94004: "no_real_name", 94006: "misconfigured"}.get(errcode or 0, "")


def _record(n: int, at: datetime, user_id: int, indexes: dict[str, str]) -> dict[str, Any]:
    digest = sha256(str(n).encode()).hexdigest()
    status, errcode = _kind(n)
    stored = status == "verified"
    name = indexes[COMMON_NAME] if n % 10 == 9 else digest[::-1]
    wanted = n in (1_009, 5_009)  # the same person twice
    id_ = _id(at, digest)
    sealed = Verification.sealed(id_, PERSON) if stored else None
    return {
        "id": id_,
        "user_id": user_id,
        "merchant": _merchant(n),
        "mch_id": "1900000001",
        "app_id": "wx0000000000000001",
        "cert_serialno": "0" * 40,
        "method": _method(n),
        "status": status,
        "attempt": 1,
        "real_name_encrypted": sealed[0].envelope if sealed else None,
        "credential_id_encrypted": sealed[1].envelope if sealed else None,
        "real_name_masked": "*伟" if stored else None,
        "credential_id_masked": "4****************3" if stored else None,
        "real_name_index": (indexes[NAME] if wanted else name) if stored else None,
        "credential_id_index": (indexes[NUMBER] if wanted else digest) if stored else None,
        "index_key_id": "made up" if stored else "",  # the indexes are no HMACs of the person's
        "check_digit_valid": True if stored else None,
        "error_code": _error_code(errcode),
        "errcode": errcode,
        "errmsg": "",
        "hint": "",
        "in_doubt": False,
        "duration_ms": 120,
        "created_at": at,
        "started_at": at,
        "finished_at": at,
        "verified_at": at if stored else None,
        "erased_at": at if status == "erased" else None,
        "token_digest": digest,
        "token_key_id": conf.current().index_keys[0].key_id,
    }


def _event(n: int, at: datetime, user_id: int, is_unsealed: bool) -> dict[str, Any]:
    """The last event of the n-th record."""
    status, errcode = _kind(n)
    digest = sha256(str(n).encode()).hexdigest()
    stored = status == "verified"
    record = Verification(
        id=_id(at, digest),
        user_id=user_id,
        merchant=_merchant(n),
        method=_method(n),
        status=status,
        token_digest=digest,
        verified_at=at if stored else None,
        real_name_masked="*伟" if stored else None,
        credential_id_masked="4****************3" if stored else None,
        credential_id_index=digest if stored else None,
    )
    if stored:
        record.real_name_encrypted, record.credential_id_encrypted = _any_sealed()
    event = {
        "id": _id(at, digest[::-1]),
        "event": EVENTS.get(status, "exchange"),
        "created_at": at,
        "actor_id": str(user_id),
        "user_id": str(user_id),
        "ip_address": "203.0.113.9",
        "verification_id": record.pk,
        "merchant": record.merchant,
        "method": record.method,
        "status": status,
        "attempt": 1,
        "error_code": _error_code(errcode),
        "errcode": errcode,
        "duration_ms": 120,
        "reason": "",
        "consent_id": None,
        "seal": None if is_unsealed else n // 10_000 + 1,
    }
    if status == "pending":  # its first attempt goes on
        return event | {"outcome_hmac": "", "outcome_key_id": ""}
    code = outcome.digests(record, event)[0]
    return event | {"outcome_hmac": code.hex, "outcome_key_id": code.key_id}


@cache
def _any_sealed() -> tuple[Any, Any]:
    """An outcome covers that there are ciphertexts, not which."""
    return Verification.sealed(UUID(int=0), PERSON)


def _method(n: int) -> str:
    return "check" if n % RARE == 5 else "authorize"


def _merchant(n: int) -> str:
    return OTHER_MERCHANT if n % RARE == 4 else MERCHANT


def _part(n: int, end: datetime) -> dict[str, Any]:
    """The part of an export whose first link is the n-th; ten officers take turns."""
    officer = f"officer-{n // LINKS_OF_AN_EXPORT % 10}"
    return _looked("export_part", n, end - (n + 1) * STEP, officer, LINKS_OF_AN_EXPORT)


def _look(n: int, end: datetime, officer: str, records: int) -> dict[str, Any]:
    return _looked("reveal", n, end - n * timedelta(seconds=1), officer, records)


def _looked(event: str, n: int, at: datetime, officer: str, records: int) -> dict[str, Any]:
    digest = sha256(f"{event} {n}".encode()).hexdigest()
    values = {"id": _id(at, digest), "event": event, "created_at": at, "actor_id": officer}
    return values | {"reason": "a benchmark", "records": records, "seal": 1}


def _link(n: int, end: datetime) -> dict[str, Any]:
    """The n-th link, from the part of an export that has it to a record of any age."""
    at = end - (n + 1) * STEP
    return _linked(
        _part(n - n % LINKS_OF_AN_EXPORT, end), _id(at, sha256(str(n).encode()).hexdigest())
    )


def _linked(event: dict[str, Any], record: UUID) -> dict[str, Any]:
    return {"event_id": event["id"], "verification_id": record, "created_at": event["created_at"]}


# --- how it gets in ---------------------------------------------------------------------------


@contextmanager
def _unindexed(model: type[models.Model]) -> Iterator[None]:
    """One index after another is made over all the rows in a tenth of the time."""
    indexes = (
        [] if connection.vendor == "mysql" else model._meta.indexes
    )  # its foreign key needs one
    with connection.schema_editor(atomic=False) as editor:
        for index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor(atomic=False) as editor:
        for index in indexes:
            editor.add_index(model, index)


def _insert(model: type[models.Model], rows: Iterator[dict[str, Any]]) -> None:
    given = next(rows)
    table = connection.ops.quote_name(model._meta.db_table)
    unset = {
        field.attname: field.get_default()
        for field in model._meta.concrete_fields
        if field.attname not in given and not field.primary_key
    }
    names = [*unset, *given]
    columns = ", ".join(map(connection.ops.quote_name, names))
    values = map(_preparing(), (unset | row for row in chain([given], rows)))
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(names))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        while part := list(islice(values, CHUNK)):
            cursor.executemany(statement, part)


def _preparing() -> Callable[[dict[str, Any]], list[Any]]:
    """Makes a row what the driver takes: Django's own conversion, for the types that need one."""
    conversions: dict[type, Callable[[Any], Any]] = {}
    if not connection.features.has_native_uuid_field:
        conversions[UUID] = attrgetter("hex")
    if connection.vendor != "postgresql":
        conversions[datetime] = connection.ops.adapt_datetimefield_value
    known = conversions.get

    def prepared(row: dict[str, Any]) -> list[Any]:
        return [made(value) if (made := known(type(value))) else value for value in row.values()]

    return prepared
