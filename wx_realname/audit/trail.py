"""Appending: writers add plain events and never wait for one another."""

from __future__ import annotations

import ipaddress
import json
import logging
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from .. import conf
from ..models import AuditEvent, Verification
from ..vault.blind_index import Digest
from . import keys

logger = logging.getLogger(__name__)

MAX_REASON = 255


@dataclass(frozen=True)
class Origin:
    """Who acts, and whence."""

    actor_id: str = ""
    ip_address: str | None = None

    @classmethod
    def of(cls, actor: Any, request: Any = None) -> Origin:
        """From the acting user (None: the system itself) and the request, when there is one."""
        return cls(_id(actor), _client_ip(request))


def append(
    event: AuditEvent.Event,
    origin: Origin,
    *,
    using: str,
    verification: Verification | None = None,
    error_code: str = "",
    errcode: int | None = None,
    reason: str = "",
) -> AuditEvent:
    """Add one event, within the caller's transaction. With a record, it carries the outcome's HMAC."""
    row = AuditEvent(
        event=event,
        created_at=timezone.now(),
        actor_id=origin.actor_id,
        ip_address=origin.ip_address,
        error_code=error_code,
        errcode=errcode,
        reason=reason[:MAX_REASON],
    )
    if verification is not None:
        _describe(row, verification)
    row.save(force_insert=True, using=using)
    return row


def _describe(row: AuditEvent, verification: Verification) -> None:
    digest = outcome_digests(verification)[0]
    row.verification_id = verification.pk
    row.user_id = _text(verification.user_id)
    row.merchant = verification.merchant
    row.method = verification.method
    row.status = verification.status
    row.attempt = verification.attempt
    row.outcome_hmac, row.outcome_key_id = digest.hex, digest.key_id


def outcome_digests(verification: Verification) -> list[Digest]:
    """HMACs over (id, user, status, method, merchant, token digest), the writing key's first."""
    outcome = (
        str(verification.pk),
        _text(verification.user_id),
        str(verification.status),
        str(verification.method),
        verification.merchant,
        verification.token_digest,
    )
    return keys.index("audit.outcome").digests(json.dumps(outcome, separators=(",", ":")))


def _id(actor: Any) -> str:
    return _text(getattr(actor, "pk", None))


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:64]


def _client_ip(request: HttpRequest | None) -> str | None:
    """The peer's address, or what CLIENT_IP_RESOLVER says; None when it can't be told.

    Never an error: an attempt isn't lost for want of an address.
    """
    if request is None:
        return None
    try:
        resolver = conf.current().client_ip_resolver
        text = import_string(resolver)(request) if resolver else request.META.get("REMOTE_ADDR")
        if not text:
            return None
        address = ipaddress.ip_address(str(text).strip().partition("%")[0])
        return str(getattr(address, "ipv4_mapped", None) or address)
    except Exception as error:
        logger.warning("the client's address is unknown: %s", type(error).__name__)
        return None
