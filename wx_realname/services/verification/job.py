"""A job: a validated request for a verification, before any row is reserved for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import router

from ... import audit, conf
from ...exceptions import InvalidRequest, NotAuthenticated, OutcomeUnknown, RealNameError
from ...models import Notice, Verification
from ...personal_data import PersonalData, Secret
from ...text import clean_token
from ...uuid7 import uuid7
from ...vault import blind_index
from ...vault.blind_index import Digest
from ...vault.opening import open_all
from ...wechat.client import WeChatClient
from ...wechat.merchant_key import MerchantKey
from ...wechat.reading import Deadline
from .. import clients
from ..rights import consent
from . import recording

MAX_TOKEN = 512  # characters of an auth_token or code


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """A validated request; a subclass has the call."""

    user: Any
    settings: conf.Settings
    merchant: conf.Merchant
    notice: Notice | None
    origin: audit.Origin
    using: str
    digests: tuple[Digest, ...]
    #: Name and number as the citizen typed them; an auth_token has none before WeChat is asked.
    typed: PersonalData | None
    row_id: UUID = field(default_factory=uuid7)  # the new row's, unless the token has a row

    method: ClassVar[Verification.Method]
    #: Raised when it isn't known whether WeChat was asked, or what it answered.
    lost: ClassVar[type[RealNameError]] = OutcomeUnknown

    def key(self, client: WeChatClient) -> MerchantKey | None:
        """The merchant's key, where the call needs it. Raises `ConfigurationError`."""
        return None

    @abstractmethod
    def ask(self, client: WeChatClient, key: MerchantKey | None, deadline: Deadline) -> Any:
        """The citizen's name and number (a face: what began), or a `RealNameError`."""

    def changes(self, row: Verification, answer: Any) -> dict[str, Any]:
        """The columns that the answer changes."""
        return recording.verified(row, answer, self.settings)

    def confirm(self, row: Verification) -> None:  # noqa: B027 - an exchange has nothing to compare
        """Raise when the verified row, found by the token, isn't what is asked for now."""

    def is_of_the_user(self, row: Verification) -> bool:
        """Whether the row belongs to this user."""
        return str(row.user_id) == str(self.user.pk)


def prepare(
    *,
    user: Any,
    alias: Any,
    notice: Any,
    request: Any,
    token: tuple[str, Secret, str],
    **faults: Any,
) -> dict[str, Any]:
    """A job's fields. `token` is its name, its value, and what its digest is for.

    Raises `InvalidRequest` for an invalid token or notice, with the caller's `faults`
    in other fields (None: no fault), and `NotAuthenticated`.
    """
    if getattr(user, "pk", None) is None:
        raise NotAuthenticated
    name, value, purpose = token
    faults[name] = clean_token(value, MAX_TOKEN)
    if errors := {name: [str(fault)] for name, fault in faults.items() if fault}:
        raise InvalidRequest(errors=errors)
    settings = conf.current()
    open_all()
    index = blind_index.blind_index(settings.index_keys, purpose)
    return {
        "user": user,
        "settings": settings,
        "merchant": clients.find(alias),
        "notice": consent.notice_in_force(notice),
        "origin": audit.Origin.of(user, request),
        "using": router.db_for_write(Verification),
        "digests": tuple(index.digests(value.reveal())),
    }
