"""What comes in and what goes out, as serializers that drf-spectacular alone reads.

A docstring would stand in the schema, in one language: hence comments.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ...exceptions import BY_CODE
from ...masking import mask_credential_id, mask_name
from ...models import Verification
from ..serializers import (
    BegunFaceSerializer,
    CheckSerializer,
    ExchangeSerializer,
    FaceSerializer,
    RecordSerializer,
)

#: A citizen who isn't anybody, and the notice that was agreed to.
TYPED = {"real_name": "欧阳娜", "credential_id": "440524198001010013"}
NOTICE = {"notice": "0196a3d2-7000-7000-8000-000000000002"}


def _show_example(**body: str) -> Any:
    """An example of what a mini-program posts."""
    example = OpenApiExample("with a notice", body | NOTICE, request_only=True)
    return extend_schema_serializer(examples=[example])


@_show_example(auth_token="c2FuZGJveC1hdXRoLXRva2Vu")  # noqa: S106 - made up
class RealNameExchangeSerializer(ExchangeSerializer):
    """`POST verifications/`"""


@_show_example(code="c2FuZGJveC1jb2Rl", **TYPED)
class RealNameCheckSerializer(CheckSerializer):
    """`POST checks/`"""


@_show_example(**TYPED)
class RealNameFaceSerializer(FaceSerializer):
    """`POST faces/`"""


#: The record that the examples speak of.
RECORD = UUID("0196a3d2-7c00-7000-8000-000000000001")
VERIFIED = {
    "id": str(RECORD),
    "method": Verification.Method.AUTHORIZE.value,
    "status": Verification.Status.VERIFIED.value,
    "consent": None,
    "merchant": "default",
    "real_name": mask_name("欧阳娜"),
    "credential_id": mask_credential_id("440524198001010013"),
    "verified_at": "2026-08-01T02:03:04.567890Z",
    "created_at": "2026-08-01T02:03:04.123456Z",
}


@extend_schema_serializer(examples=[OpenApiExample("verified", VERIFIED)])
class RealNameRecordSerializer(RecordSerializer):
    pass


BEGUN = VERIFIED | {
    "method": Verification.Method.FACE.value,
    "status": Verification.Status.WAITING.value,
    "real_name": None,
    "credential_id": None,
    "verified_at": None,
    "verify_id": "c2FuZGJveC12ZXJpZnktaWQ",
    "expires_at": "2026-08-01T03:03:04.123456Z",
}


@extend_schema_serializer(examples=[OpenApiExample("begun", BEGUN)])
class RealNameBegunFaceSerializer(BegunFaceSerializer):
    pass


class WeChatCategorySerializer(serializers.Serializer[Any]):
    # a line of WeChat's list has two levels or three
    first_class = serializers.CharField(required=False)
    second_class = serializers.CharField(required=False)
    third_class = serializers.CharField(required=False)
    first_id = serializers.IntegerField(required=False)
    second_id = serializers.IntegerField(required=False)
    third_id = serializers.IntegerField(required=False)


CATEGORIES = {
    "categories": [
        {"first_class": "政务民生", "first_id": 99, "second_class": "社会保障", "second_id": 904}
    ],
    "category_id": [99, 904],
}


@extend_schema_serializer(examples=[OpenApiExample("one category", CATEGORIES)])
class WeChatCategoriesSerializer(serializers.Serializer[Any]):
    categories = WeChatCategorySerializer(many=True)
    category_id = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text=_("The category-id of the button; null: the service has set none"),
    )


class WeChatReplySerializer(serializers.Serializer[Any]):
    errcode = serializers.IntegerField(help_text=_("WeChat's return code"))
    errmsg = serializers.CharField(
        allow_blank=True, help_text=_("WeChat's errmsg, without secrets")
    )
    hint = serializers.CharField(
        allow_null=True, help_text=_("The hint or rid that WeChat's support asks for")
    )


class RealNameErrorSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField([(code, cls.words) for code, cls in BY_CODE.items()])
    detail = serializers.CharField(help_text=_("For people, in the language of the request"))
    verification = serializers.UUIDField(
        allow_null=True, help_text=_("The record that keeps this outcome")
    )
    wechat = WeChatReplySerializer(
        allow_null=True, help_text=_("WeChat's refusal; null: WeChat didn't refuse")
    )
    retry = serializers.ChoiceField(
        [
            ("no", _("trying again won't help")),
            ("later", _("the same call again, after Retry-After")),
            ("reauthorize", _("with a new authorization of the citizen")),
        ]
    )


class RealNameInvalidRequestSerializer(RealNameErrorSerializer):
    # `errors` is an attribute of every serializer, hence the field's other way in
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        faults = serializers.DictField(
            child=serializers.ListField(child=serializers.CharField()),
            help_text=_("The faults of each field; “non_field_errors”: of the body as a whole"),
        )
        return {**super().get_fields(), "errors": faults}
