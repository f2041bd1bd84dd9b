"""The calls by which citizens use their rights."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers

from ... import exceptions as ours
from ..serializers import ConsentSerializer
from .bodies import NOTICE, RECORD, TYPED
from .calls import OurView, call
from .describing import described_view, empty_body

TEXT = "## 一、个人信息处理者\n\n清河市政务服务和数据管理局"
SHA256 = sha256(TEXT.encode()).hexdigest()
SHOWN = {
    "id": NOTICE["notice"],
    "purpose": "social-security",
    "version": "2026-11",
    "language": "zh-hans",
    "title": "社会保障服务实名核验个人信息处理告知同意书",
    "text": TEXT,
    "sha256": SHA256,
    "handler": "清河市政务服务和数据管理局",
    "recipients": "深圳市腾讯计算机系统有限公司（微信）",
    "retention_days": 1095,
}
RECEIPT = {
    "id": "0196a3d2-7b00-7000-8000-000000000003",
    "purpose": "social-security",
    "notice": {"id": NOTICE["notice"], "version": "2026-11", "sha256": SHA256},
    "given_at": "2026-08-01T02:03:02.345678Z",
    "withdrawn_at": None,
    "verification": str(RECORD),
}
ACCESS = {
    "at": "2026-08-02T01:00:00.123456Z",
    "what": "reveal",
    "by": "社会保障窗口",
    "reason": "工单 4711",
}


def _answered(**body: Any) -> Any:
    """An example of what the API answers."""
    return extend_schema_serializer(examples=[OpenApiExample("example", body)])


@_answered(**SHOWN)
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


@_answered(**RECEIPT)
class RealNameReceiptSerializer(serializers.Serializer[Any]):
    # what `represent_consent` gives
    id = serializers.UUIDField()
    purpose = serializers.CharField()
    notice = RealNameNoticeOfConsentSerializer()
    given_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    verification = serializers.UUIDField(allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("a notice", NOTICE, request_only=True)])
class RealNameConsentSerializer(ConsentSerializer):
    """`POST consents/`"""


@_answered(**ACCESS)
class RealNameAccessSerializer(serializers.Serializer[Any]):
    # what `represent_access` gives
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(["reveal", "search", "export", "copy", "use"])
    by = serializers.CharField(help_text=_("The office or role, never a name"))
    reason = serializers.CharField()


@_answered(id=str(RECORD), **TYPED)
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
