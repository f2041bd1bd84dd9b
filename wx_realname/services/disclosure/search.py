"""Finds a person by name or ID number, by blind index; every search leaves an audit event."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ... import audit, conf, resident_id
from ...exceptions import DecryptionError, InvalidRequest, Throttled
from ...models import AuditEvent, Verification
from ...personal_data import Secret
from ...text import clean_text
from ...vault import blind_index
from ...vault.blind_index import BlindIndex
from .. import facts, limits, missing_keys, trust
from ..reasons import require_case_number
from ..transactions import durable

logger = logging.getLogger(__name__)

Event = AuditEvent.Event

MAX_NAME = 255
MAX_FOUND = 200
MOST_COUNTED = 10_000  # records of a missing key

NOT_A_NUMBER = _("This is not an ID number.")
NOTHING_GIVEN = _("Enter a name or an ID number.")
NO_NAME_INDEX = _(
    "Enter the ID number too: this site keeps no index of names (NAME_INDEX), so nobody can be found "
    "by name alone."
)

NO_NAMES = _(
    "Enter the ID number alone: this site keeps no names (STORAGE “masked”), so none can be compared."
)


def takes_names() -> bool:
    """Whether a name can be compared: by its index, or after decryption."""
    settings = conf.current()
    return settings.name_index == "exact" or settings.storage != "masked"


@dataclass(frozen=True)
class Match:
    """A record that was found, and how many accounts have its ID number.

    `is_vouched`: False where the record contradicts the trail, or a key to compare it with is missing:
    what it holds isn't shown, and no event signs that it was.
    """

    verification: Verification
    accounts: int
    is_vouched: bool = True


@dataclass(frozen=True)
class Found:
    """The records that a search found, newest first; `cut`: there are more than these.

    `unsearchable`: how many records no search can find, because INDEX_KEYS lacks their key, of each
    key at most `MOST_COUNTED`;
    `unreadable`: how many have the number, but a name that couldn't be decrypted to compare it.
    """

    matches: list[Match]
    cut: bool
    unsearchable: int = 0
    unreadable: int = 0


def find_person(
    *,
    actor: Any,
    real_name: str | Secret | None = None,
    credential_id: str | Secret | None = None,
    case_number: str = "",
    request: Any = None,
) -> Found:
    """Records with that name, that ID number, or both, and all other records with the ID numbers found.

    The audit event, with what was searched by and how many were found, is committed before anything
    is returned. Unless NAME_INDEX is "exact", the number is required, and the name is compared after
    decryption; with STORAGE "masked" the number alone is taken. Raises `InvalidRequest` when nothing, or an
    invalid number, is given, and `Throttled` after SEARCH_RATE searches of the actor that found nothing.
    """
    # under the same names, so that no plain text stands in this function's frame
    real_name = name = Secret.of(real_name or "")
    credential_id = number = Secret.of(credential_id or "")
    condition = _condition(name, number)
    require_case_number(case_number)
    by = " and ".join(what for what, given in (("name", name), ("number", number)) if given)
    origin, misses = audit.Origin.of(actor, request), limits.of_searches(actor)
    if not misses.take():
        raise _throttled(origin, by, case_number, misses.wait())
    rows, unreadable = _rows(condition), 0
    if name and conf.current().name_index != "exact":
        rows, unreadable = _bearing(name, rows)
    if rows:
        misses.give_back()
    cut = len(rows) > MAX_FOUND
    rows = rows[:MAX_FOUND]
    trusted = _comparable(rows, origin)
    reached = [row for row in rows if row.pk in trusted]
    _append(origin, reached, facts.searched(by, len(rows), cut=cut), case_number)
    missing = missing_keys.of_indexes(Verification.objects.all(), MOST_COUNTED)
    return Found(_matches(rows, trusted), cut, sum(key.records for key in missing), unreadable)


def _comparable(rows: list[Verification], origin: audit.Origin) -> set[UUID]:
    """The records that agree with the trail; the others are logged."""
    stored = Verification.objects.deciding().filter(pk__in=[row.pk for row in rows])
    return {row.pk for row in trust.comparable(list(stored), origin)}


def _append(
    origin: audit.Origin, rows: list[Verification], reason: str, case_number: str, **details: Any
) -> None:
    using = router.db_for_write(AuditEvent)
    with durable(using):
        audit.append_access(
            Event.SEARCH,
            origin,
            [row.pk for row in rows],
            using=using,
            reason=reason,
            case_number=case_number,
            **details,
        )


def _throttled(origin: audit.Origin, by: str, case_number: str, wait: int) -> Throttled:
    """The error to raise, after the refusal is in the trail and in the log."""
    rate = conf.current().search_rate
    logger.warning("searches: officer %s reached the rate %s", origin.actor_id, rate)
    _append(origin, [], facts.search_refused(by), case_number, error_code=Throttled.code)
    return Throttled(retry_after=wait)


def _condition(name: Secret, number: Secret) -> Q:
    if not name and not number:
        raise InvalidRequest(errors={"credential_id": [str(NOTHING_GIVEN)]})
    keys, is_indexed = conf.current().index_keys, conf.current().name_index == "exact"
    normal = _normalized(number)
    errors: dict[str, list[str]] = {}
    if not number and not is_indexed:
        errors["credential_id"] = [str(NO_NAME_INDEX)]
    if name and not takes_names():
        errors["real_name"] = [str(NO_NAMES)]
    elif name and (fault := clean_text(name, MAX_NAME)):
        errors["real_name"] = [str(fault)]
    if number and not normal:
        errors["credential_id"] = [str(NOT_A_NUMBER)]
    if errors:
        raise InvalidRequest(errors=errors)
    condition = Q()
    if name and is_indexed:
        names = _hexes(blind_index.names(keys), blind_index.name_form(name.reveal()))
        condition &= Q(real_name_index__in=names)
    if number:
        numbers = _hexes(blind_index.numbers(keys), blind_index.number_form(normal.reveal()))
        condition &= Q(credential_id_index__in=numbers)
    return condition


def _bearing(name: Secret, rows: list[Verification]) -> tuple[list[Verification], int]:
    """The rows with that name, and how many rows have none that could be decrypted."""
    form, found, unreadable = blind_index.name_form, [], 0
    wanted = Secret(form(name.reveal()))
    for row in rows:
        try:
            data = Verification.objects.get(pk=row.pk).personal_data()
        except DecryptionError:
            unreadable += 1
            continue
        except Verification.DoesNotExist:
            continue
        if data is None:  # stored under STORAGE "masked"
            unreadable += 1
        elif Secret(form(data.real_name)) == wanted:
            found.append(row)
    return found, unreadable


def _normalized(number: Secret) -> Secret:
    """The number in its canonical form; empty if it isn't an ID number."""
    return Secret(resident_id.normalize(number.reveal()) or "")


def _hexes(index: BlindIndex, form: str) -> list[str]:
    """The digests that any of INDEX_KEYS may have written."""
    return [digest.hex for digest in index.digests(form)]


def _rows(condition: Q) -> list[Verification]:
    """The rows that match, and the other rows with their ID numbers; one more than is shown."""
    rows = Verification.objects.without_ciphertexts()
    found = list(rows.filter(condition).order_by("-created_at", "-id")[: MAX_FOUND + 1])
    numbers = {row.credential_id_index for row in found if row.credential_id_index}
    same_number = rows.filter(credential_id_index__in=numbers).exclude(
        pk__in=[row.pk for row in found]
    )
    more = list(same_number.order_by("-created_at", "-id")[: MAX_FOUND + 1 - len(found)])
    return sorted([*found, *more], key=lambda row: (row.created_at, row.pk), reverse=True)


def _matches(rows: list[Verification], trusted: set[UUID]) -> list[Match]:
    accounts = defaultdict(set)
    for row in rows:
        if row.pk in trusted:
            accounts[row.credential_id_index].add(row.user_id)
    return [Match(row, len(accounts[row.credential_id_index]), row.pk in trusted) for row in rows]
