"""A time that seals vouch for: `dumpdata` must not shorten it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models


class _MomentField(models.DateTimeField):  # type: ignore[type-arg]
    """A DateTimeField that serializers write to the microsecond; Django's JSON cuts it to milliseconds.

    To migrations and databases it is a DateTimeField.
    """

    def value_from_object(self, obj: models.Model) -> Any:
        """A serializer passes text on, where it would hand a datetime to the JSON encoder."""
        value = super().value_from_object(obj)
        return value.isoformat() if isinstance(value, datetime) else value

    def value_to_string(self, obj: models.Model) -> str:
        return self.value_from_object(obj) or ""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs


# The Django plugin of mypy knows an attribute's type by the field that it knows.
if TYPE_CHECKING:
    MomentField = models.DateTimeField
else:
    MomentField = _MomentField
