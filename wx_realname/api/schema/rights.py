"""The calls by which citizens use their rights."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from ... import exceptions as ours
from ..serializers import ConsentSerializer
from .calls import OurView, call
from .describing import described_view, empty_body


class RealNameNoticeSerializer(serializers.Serializer[Any]):
    # what `represent_notice` gives
    id = serializers.UUIDField()
    purpose = serializers.CharField()
    version = serializers.CharField()
    language = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField(help_text=_("Markdown"))
    sha256 = serializers.CharField(help_text=_("Of the text in UTF-8"))
    handler = serializers.CharField(help_text=_("Who processes the personal information"))
    recipients = serializers.CharField(allow_blank=True)
    retention_days = serializers.IntegerField(allow_null=True)


class RealNameNoticeOfConsentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.CharField()
    sha256 = serializers.CharField()


class RealNameReceiptSerializer(serializers.Serializer[Any]):
    # what `represent_consent` gives
    id = serializers.UUIDField()
    purpose = serializers.CharField()
    notice = RealNameNoticeOfConsentSerializer()
    given_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    verification = serializers.UUIDField(allow_null=True)


class RealNameConsentSerializer(ConsentSerializer):
    """`POST consents/`"""


class RealNameAccessSerializer(serializers.Serializer[Any]):
    # what `represent_access` gives
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(["reveal", "search", "export", "copy", "use"])
    by = serializers.CharField(help_text=_("The office or role, never a name"))
    reason = serializers.CharField()


class RealNameCopySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    real_name = serializers.CharField()
    credential_id = serializers.CharField()


class NoticeInForce(OurView):
    target_class = "wx_realname.api.rights.NoticeInForce"

    def view_replacement(self) -> Any:
        summary = _("The current notice of a purpose")
        get = call({200: RealNameNoticeSerializer}, ours.NotFound, summary=summary)
        return described_view(self.target, get=get)


class Consents(OurView):
    target_class = "wx_realname.api.rights.Consents"

    def view_replacement(self) -> Any:
        get = call(
            {200: RealNameReceiptSerializer(many=True)},
            ours.NotFound,  # a cursor that isn't one
            summary=_("The caller's own consents, newest first"),
        )
        post = call(
            {201: RealNameReceiptSerializer},
            empty_body(RealNameConsentSerializer),
            ours.UnsupportedMediaType,
            ours.RealNameRequired,
            ours.Throttled,
            request=RealNameConsentSerializer,
            summary=_("Consent to another purpose"),
            description=_("Requires a verified record; no new verification is needed."),
        )
        return described_view(self.target, get=get, post=post)


class Withdrawal(OurView):
    target_class = "wx_realname.api.rights.Withdrawal"

    def view_replacement(self) -> Any:
        post = call(
            {200: RealNameReceiptSerializer},
            ours.NotFound,
            ours.Throttled,
            request=None,
            summary=_("Withdraw the consents to a purpose"),
            description=_(
                "The services of that purpose close at once; personal data that no other consent covers "
                "is erased. The record and the audit trail stay. It may be repeated."
            ),
        )
        return described_view(self.target, post=post)


class Accesses(OurView):
    target_class = "wx_realname.api.rights.Accesses"

    def view_replacement(self) -> Any:
        get = call(
            {200: RealNameAccessSerializer(many=True)},
            ours.NotFound,
            summary=_("Who looked at the caller's data, newest first"),
        )
        return described_view(self.target, get=get)


class OwnCopy(OurView):
    target_class = "wx_realname.api.rights.OwnCopy"

    def view_replacement(self) -> Any:
        copied = OpenApiResponse(RealNameCopySerializer)
        get = call(
            {200: copied},
            ours.NotFound,
            ours.ReauthenticationRequired,
            summary=_("The caller's own name and number in plain text"),
        )
        return described_view(self.target, get=get)
