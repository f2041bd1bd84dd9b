"""Appending events: writers never wait for one another."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from .. import conf, statements
from ..models import AuditEvent, Verification
from ..uuid7 import uuid7
from ..vault.blind_index import Digest
from . import outcome

logger = logging.getLogger(__name__)

MAX_REASON = 255


@dataclass(frozen=True)
class Origin:
    """Who acts, and from which address."""

    actor_id: str = ""
    ip_address: str | None = None

    @classmethod
    def of(cls, actor: Any, request: Any = None) -> Origin:
        """From the acting user (None: the system itself) and the request, when there is one."""
        return cls(id_text(getattr(actor, "pk", None)), _client_ip(request))


def append(
    event: AuditEvent.Event,
    origin: Origin,
    *,
    using: str,
    about: Verification | None = None,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Add one event, within the caller's transaction. It has no HMAC over the record it is about.

    `details`: further columns of the event, such as `error_code`.
    """
    values = values_of(event, origin, reason) | details
    if about is not None:
        values |= _description(about)
    return statements.insert(AuditEvent(**values), using)


def append_outcome(
    event: AuditEvent.Event,
    origin: Origin,
    verification: Verification,
    *,
    using: str,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Add the event that ends an attempt or a record's life: it carries the outcome's HMAC."""
    values = _outcome(event, origin, verification, reason, details)
    return statements.insert(AuditEvent(**values), using)


def append_outcomes(
    event: AuditEvent.Event,
    origin: Origin,
    verifications: list[Verification],
    *,
    using: str,
    reason: str,
    **details: Any,
) -> None:
    """Add such an event for each record, within the caller's transaction."""
    rows = [_outcome(event, origin, each, reason, details) for each in verifications]
    statements.insert_all([AuditEvent(**values) for values in rows], using)


def _outcome(
    event: AuditEvent.Event,
    origin: Origin,
    verification: Verification,
    reason: str,
    details: dict[str, Any],
) -> dict[str, Any]:
    values = values_of(event, origin, reason) | details | _description(verification)
    values["answer_digest"] = verification.answer_digest or ""
    return values | signature_of(outcome.digests(verification, values)[0])


def signature_of(digest: Digest) -> dict[str, Any]:
    """The columns of an event's HMAC."""
    return {"outcome_hmac": digest.hex, "outcome_key_id": digest.key_id}


def values_of(event: AuditEvent.Event, origin: Origin, reason: str) -> dict[str, Any]:
    """The columns of every event."""
    return {
        "id": uuid7(),
        "event": event,
        "created_at": timezone.now(),
        "actor_id": origin.actor_id,
        "ip_address": origin.ip_address,
        "reason": reason[:MAX_REASON],
    }


def _description(verification: Verification) -> dict[str, Any]:
    return {
        "verification_id": verification.id,
        "user_id": id_text(verification.user_id),
        "merchant": verification.merchant,
        "method": verification.method,
        "status": verification.status,
        "attempt": verification.attempt,
        "consent_id": verification.consent_id,
    }


def id_text(value: Any) -> str:
    """An id of a user as events have it; empty for None."""
    return "" if value is None else str(value)[:64]


def user_key(id_: Any) -> Any:
    """The user's key of an event's id, or of one that was typed; None for a text that can't be one.

    An event's id may be of another kind of user, or cut at 64 characters.
    """
    key = get_user_model()._meta.pk
    if id_ in (None, "") or not str(id_).isprintable():
        return None
    try:
        value = key.to_python(id_)
        key.run_validators(value)  # no database takes a larger number
    except ValidationError:
        return None
    return value


def user_keys(ids: Iterable[Any]) -> set[Any]:
    """The users' keys of events' ids, without those that can't be one."""
    return {user_key(id_) for id_ in ids} - {None}


def _client_ip(request: HttpRequest | None) -> str | None:
    """The peer's address, or what CLIENT_IP_RESOLVER returns; None when it isn't known.

    Never raises: an attempt must not fail because of an unknown address.
    """
    if request is None:
        return None
    try:
        resolver = conf.current().client_ip_resolver
        text = import_string(resolver)(request) if resolver else request.META.get("REMOTE_ADDR")
        if not text:
            return None
        return _normal(str(text))
    except Exception as error:
        logger.warning("the client's address is unknown: %s", type(error).__name__)
        return None


#: As some proxies write X-Forwarded-For: "1.2.3.4:5678", "[::1]" or "[::1]:80".
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+")


@lru_cache(maxsize=1024)
def _normal(text: str) -> str:
    """The address without port and zone, IPv4 as such. Raises ValueError."""
    with_port = _WITH_PORT.fullmatch(text.strip())
    host = (with_port[1] or with_port[2]) if with_port else text.strip()
    address = ipaddress.ip_address(host.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)
