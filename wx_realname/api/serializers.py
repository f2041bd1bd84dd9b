"""What comes in and what goes out."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .. import conf
from ..exceptions import DecryptionError
from ..models import Verification
from ..personal_data import Secret
from ..services.verification.check import MAX_NUMBER
from ..services.verification.job import MAX_TOKEN
from ..text import clean_text, clean_token
from ..wechat.answers import MAX_NAME

logger = logging.getLogger(__name__)

_MERCHANT = _("An alias; “default” unless given")
_NOTICE = _("The id of the notice that the citizen was shown and agreed to")


class CleanTextField(serializers.Field[Any, Any, Any, Any]):
    """A string, and nothing that would be turned into one; without control characters."""

    def __init__(self, *, max_length: int, blank: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.blank = blank

    def to_internal_value(self, data: Secret) -> Secret:
        if fault := clean_text(data, self.max_length, blank=self.blank):
            raise serializers.ValidationError(str(fault))
        return data


class TokenField(CleanTextField):
    """A token of WeChat's: visible ASCII."""

    def to_internal_value(self, data: Secret) -> Secret:
        if fault := clean_token(data, self.max_length):
            raise serializers.ValidationError(str(fault))
        return data


class ExchangeSerializer(serializers.Serializer[Any]):
    """The body of POST verifications/, as the parser gives it: its values stay opaque."""

    auth_token = TokenField(max_length=MAX_TOKEN, help_text=_("What WeChat's button gave"))
    merchant = CleanTextField(max_length=64, required=False, help_text=_MERCHANT)
    notice = CleanTextField(max_length=64, required=False, help_text=_NOTICE)


class CheckSerializer(serializers.Serializer[Any]):
    """The body of POST checks/; whether the number can be one, `services.check` tells."""

    code = TokenField(max_length=MAX_TOKEN, help_text=_("What WeChat's city service gave"))
    real_name = CleanTextField(max_length=MAX_NAME, help_text=_("As on the resident ID card"))
    credential_id = CleanTextField(
        max_length=MAX_NUMBER,
        help_text=_("The number of the resident ID card: 18 or 15 characters"),
    )
    merchant = CleanTextField(max_length=64, required=False, help_text=_MERCHANT)
    notice = CleanTextField(max_length=64, required=False, help_text=_NOTICE)


def represent(row: Verification) -> dict[str, Any]:
    """A record: masked, or whole with RESPONSE "plain". What isn't known or was erased is null."""
    real_name, credential_id = _told(row)
    return {
        "id": str(row.id),
        "method": row.method,
        "status": row.status,
        "consent": row.consent_id and str(row.consent_id),
        "merchant": row.merchant,
        "real_name": real_name,
        "credential_id": credential_id,
        "verified_at": _utc(row.verified_at),
        "created_at": _utc(row.created_at),
    }


def _told(row: Verification) -> tuple[str | None, str | None]:
    """Name and number; a ciphertext that can't be opened is nothing known, and no fault of the rest."""
    if conf.current().response == "plain":
        try:
            plain = row.personal_data()
        except DecryptionError as error:
            logger.error("%s: %s", row.pk, error)
            return None, None
        if plain:
            return plain.real_name, plain.credential_id
    return row.real_name_masked, row.credential_id_masked


def _utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
