"""Serializers of requests and answers."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .. import conf
from ..exceptions import DecryptionError
from ..models import Consent, Notice, Verification
from ..personal_data import Secret
from ..services.rights.accesses import Access
from ..services.verification.job import MAX_TOKEN
from ..services.verification.typed import MAX_NUMBER
from ..text import clean_text, clean_token
from ..wechat.answers import MAX_NAME

logger = logging.getLogger(__name__)

_MERCHANT = _("An alias; “default” unless given")
_NOTICE = _("The id of the notice that the citizen was shown and agreed to")
_MAX_ID = 64  # characters of what should be a UUID
NO_SUCH_STATUS = _("There is no such status.")
_MASKED = _("Masked, or plain if the service is configured so; null: not known, or erased")


class CleanTextField(serializers.Field[Any, Any, Any, Any]):
    """A string without control characters. Other types are refused, not converted."""

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

    auth_token = TokenField(
        max_length=MAX_TOKEN, help_text=_("The auth_token from WeChat's button")
    )
    merchant = CleanTextField(max_length=conf.MAX_ALIAS, required=False, help_text=_MERCHANT)
    notice = CleanTextField(max_length=_MAX_ID, required=False, help_text=_NOTICE)


class FaceSerializer(serializers.Serializer[Any]):
    """The body of POST faces/; whether the number can be one, `services.begin_face` decides."""

    real_name = CleanTextField(max_length=MAX_NAME, help_text=_("As on the resident ID card"))
    credential_id = CleanTextField(
        max_length=MAX_NUMBER,
        help_text=_("The number of the resident ID card: 18 or 15 characters"),
    )
    merchant = CleanTextField(max_length=conf.MAX_ALIAS, required=False, help_text=_MERCHANT)
    notice = CleanTextField(max_length=_MAX_ID, required=False, help_text=_NOTICE)


class CheckSerializer(FaceSerializer):
    """The body of POST checks/."""

    code = TokenField(max_length=MAX_TOKEN, help_text=_("The code from WeChat's city service"))


class ConsentSerializer(serializers.Serializer[Any]):
    """The body of POST consents/."""

    notice = CleanTextField(max_length=_MAX_ID, help_text=_NOTICE)


class RecordSerializer(serializers.Serializer[Any]):
    """A record: masked, or whole with RESPONSE "plain". What isn't known or was erased is null."""

    id = serializers.UUIDField()
    method = serializers.ChoiceField(Verification.Method.choices)
    status = serializers.ChoiceField(Verification.Status.choices)
    consent = serializers.UUIDField(
        allow_null=True, help_text=_("The consent under which this attempt was made")
    )
    merchant = serializers.CharField(help_text=_("The alias of the merchant"))
    real_name = serializers.CharField(allow_null=True, help_text=_MASKED)
    credential_id = serializers.CharField(allow_null=True, help_text=_MASKED)
    verified_at = serializers.DateTimeField(allow_null=True, help_text=_("UTC"))
    created_at = serializers.DateTimeField(help_text=_("UTC"))

    def to_representation(self, instance: Verification) -> dict[str, Any]:
        """One dict: DRF would look up each of the fields, in ten times as long."""
        real_name, credential_id = _name_and_number(instance)
        return {
            "id": str(instance.id),
            "method": instance.method,
            "status": instance.status,
            "consent": instance.consent_id and str(instance.consent_id),
            "merchant": instance.merchant,
            "real_name": real_name,
            "credential_id": credential_id,
            "verified_at": _utc(instance.verified_at),
            "created_at": _utc(instance.created_at),
        }


class BegunFaceSerializer(RecordSerializer):
    """A face that has begun: the record, and what the mini-program hands to WeChat's camera.

    Both are null for a record that was erased while WeChat was asked.
    """

    verify_id = serializers.CharField(
        allow_null=True,
        help_text=_("For wx.requestFacialVerify; shown here only, and good for one try"),
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text=_("UTC; until then the verify_id serves")
    )

    def to_representation(self, instance: Verification) -> dict[str, Any]:
        return super().to_representation(instance) | {
            "verify_id": instance.verify_id,
            "expires_at": _utc(instance.expires_at) if instance.verify_id else None,
        }


def _name_and_number(row: Verification) -> tuple[str | None, str | None]:
    """Name and number; None where a ciphertext can't be decrypted, so that other records are still listed."""
    if conf.current().response == "plain":
        try:
            plain = row.personal_data()
        except DecryptionError as error:
            logger.error("%s: %s", row.pk, error)
            return None, None
        if plain:
            return plain.real_name, plain.credential_id
    return row.real_name_shown, row.credential_id_masked


def _utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def represent_notice(notice: Notice) -> dict[str, Any]:
    """The notice as the interface shapes it."""
    names = ("purpose", "version", "language", "title", "text", "sha256", "handler", "recipients")
    shown = {name: getattr(notice, name) for name in names}
    return {"id": str(notice.pk), **shown, "retention_days": notice.retention_days}


def represent_consent(consent: Consent) -> dict[str, Any]:
    """The receipt: who consented to what text, for which purpose, and when."""
    notice = consent.notice
    return {
        "id": str(consent.pk),
        "purpose": notice.purpose,
        "notice": {
            "id": str(notice.pk),
            "version": notice.version,
            "sha256": notice.sha256,
        },
        "given_at": _utc(consent.given_at),
        "withdrawn_at": _utc(consent.withdrawn_at),
        "verification": consent.verification_id and str(consent.verification_id),
    }


def represent_access(access: Access) -> dict[str, Any]:
    """One look at a record."""
    return {
        "at": _utc(access.at),
        "what": access.what,
        "by": access.by,
        "reason": access.reason,
    }


# made once: they keep nothing of a record, and their fields cost more than all that they answer
_RECORD = RecordSerializer()
_BEGUN = BegunFaceSerializer()


def represent(row: Verification) -> dict[str, Any]:
    """The record as the interface shapes it."""
    return _RECORD.to_representation(row)


def represent_begun(row: Verification) -> dict[str, Any]:
    """The record of a face that has just begun, with its verify_id."""
    return _BEGUN.to_representation(row)
