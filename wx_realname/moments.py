"""Times: the model field, the text that HMACs cover, and midnight."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone as django_timezone


class _MomentField(models.DateTimeField):  # type: ignore[type-arg]
    """A DateTimeField that serializers write to the microsecond: `dumpdata` must not shorten it.

    Django's JSON cuts it to milliseconds.

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


def utc_text(moment: datetime | None) -> str:
    """The time as HMACs and seals cover it: UTC, to the microsecond. Empty for None."""
    if moment is None:
        return ""
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")


def midnight(day: date) -> datetime:
    """When the day begins in the site's time zone, in UTC. Raises `OverflowError` as `in_utc` does."""
    return in_utc(datetime.combine(day, time.min))


def in_utc(moment: datetime) -> datetime:
    """The moment as databases take it; a naive one is of the site's time zone.

    Raises `OverflowError` at the ends of the calendar: in UTC it may be of the year 0 or 10000.
    """
    is_naive = django_timezone.is_naive(moment)
    aware = django_timezone.make_aware(moment) if is_naive else moment
    return aware.astimezone(timezone.utc)
