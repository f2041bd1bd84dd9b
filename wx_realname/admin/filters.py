"""The lists' filters: fixed choices, each with an index behind it; none asks the database for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..models import AuditEvent, Verification
from ..moments import midnight
from ..services.operation.remedies import words_of
from ..wechat.errcodes import ERRCODES
from ..wechat.verdicts import VERDICTS


class FixedChoices(SimpleListFilter):
    """One column, and the values that it may have."""

    template = "admin/wx_realname/filter.html"

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            # a string: the values are, also where the column is a number
            yield {**choice, "narrowed": self.value() is not None}

    def in_words(self) -> Any:
        return dict(self.lookup_choices)[self.value() or ""]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        if self.value() not in {str(value) for value, _label in self.lookup_choices}:
            raise IncorrectLookupParameters(self.parameter_name)
        return queryset.filter(**{str(self.parameter_name): self.value()})


class StatusFilter(FixedChoices):
    title, parameter_name = _("status"), "status"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Verification.Status.choices


class MethodFilter(FixedChoices):
    title, parameter_name = _("method"), "method"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Verification.Method.choices


class EventFilter(FixedChoices):
    title, parameter_name = _("event"), "event"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return AuditEvent.Event.choices


class MerchantFilter(FixedChoices):
    title, parameter_name = _("merchant"), "merchant"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        aliases = conf.current().merchants if conf.is_set() else ()
        return [(alias, alias) for alias in aliases]


class ErrcodeFilter(FixedChoices):
    title, parameter_name = _("WeChat return code"), "errcode"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        meanings = {row.errcode: words_of(row).meaning for row in reversed(ERRCODES)}
        if model_admin.model is AuditEvent:  # a face's verdict stands there, too
            meanings |= {row.verify_ret: words_of(row).meaning for row in VERDICTS if row.code}
        return [(str(code), f"{code} {meanings[code]}") for code in sorted(meanings)]


class DayFilter(ListFilter):
    """One day in the site's time zone, as a range of created_at."""

    title = _("day")
    template = "admin/wx_realname/day_filter.html"
    parameter_name = "day"

    def __init__(self, request: Any, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        if self.parameter_name in params:
            self.used_parameters[self.parameter_name] = params.pop(self.parameter_name)[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def value(self) -> Any:
        return self.used_parameters.get(self.parameter_name)

    def in_words(self) -> Any:
        return self.value()

    def choices(self, changelist: Any) -> Iterator[Any]:
        """What the form of the filter needs: its own value, and all the other filters'."""
        others = changelist.get_filters_params().items()
        yield {
            "value": self.value() or "",
            "others": [
                (name, values[-1]) for name, values in others if name != self.parameter_name
            ],
            "clear": changelist.get_query_string(remove=[self.parameter_name]),
        }

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        try:
            day = date.fromisoformat(self.value())
            begin, end = (midnight(day + timedelta(days=days)) for days in (0, 1))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        return queryset.filter(created_at__gte=begin, created_at__lt=end)
