"""How `CleanTextField` and `TokenField` look in JSON Schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

#: Any text without control characters; lone surrogates, which are refused too, no schema can name.
TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*$"
#: The same with something in it that isn't a blank.
WORDS = (
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
)

VISIBLE_ASCII = r"^[\u0021-\u007e]+$"


class CleanText(OpenApiSerializerFieldExtension):
    """A string, as long as the field allows."""

    target_class = "wx_realname.api.serializers.CleanTextField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = {"type": "string", "maxLength": self.target.max_length}
        if self.target.blank:
            return schema | {"pattern": TEXT}
        return schema | {"minLength": 1, "pattern": WORDS}


class Token(OpenApiSerializerFieldExtension):
    """Visible ASCII, as long as the field allows."""

    target_class = "wx_realname.api.serializers.TokenField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.target.max_length,
            "pattern": VISIBLE_ASCII,
        }
