"""The lists' filters. Each uses an index, and refuses an unknown value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ListFilter, SimpleListFilter
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..audit import user_key
from ..exceptions import BY_CODE
from ..models import AuditEvent, Verification
from ..moments import midnight
from ..services.operation.remedies import words_of
from ..services.rights.accesses import account_id
from ..wechat.errcodes import ERRCODES
from ..wechat.verdicts import VERDICTS
from .names import shown, usernames


class RefusedFilter(SuspiciousOperation):
    """A value that a filter doesn't know; the text is for the officer."""

    def __init__(self, title: Any, value: Any) -> None:
        words = _("The filter “%(filter)s” doesn't know the value “%(value)s”.")
        super().__init__(words % {"filter": title, "value": value})


class FixedChoices(SimpleListFilter):
    """One column, and the values that it may have."""

    template = "admin/wx_realname/filter.html"
    parameters: tuple[str, ...]

    def __init_subclass__(cls) -> None:
        cls.parameters = (str(cls.parameter_name),)

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "narrowed": self.value() is not None}

    def in_words(self) -> Any:
        return dict(self.lookup_choices)[self.value() or ""]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        if self.value() not in {str(value) for value, _label in self.lookup_choices}:
            raise RefusedFilter(self.title, self.value())
        return queryset.filter(**{str(self.parameter_name): self.value()})


class StatusFilter(FixedChoices):
    title, parameter_name = _("status"), "status"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Verification.Status.choices


class ErrorFilter(FixedChoices):
    title, parameter_name = _("error code"), "error_code"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [(code, format_lazy("{} {}", code, error.words)) for code, error in BY_CODE.items()]


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


class FormFilter(ListFilter):
    """A filter whose values are typed into a form of its own; the form keeps all other filters."""

    parameters: tuple[str, ...]
    used_parameters: dict[str, Any]

    def __init__(self, request: Any, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.parameters:
            if value := params.pop(name, [""])[-1].strip():
                self.used_parameters[name] = value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def value(self) -> Any:
        return self.used_parameters

    def choices(self, changelist: Any) -> Iterator[Any]:
        """One choice, with what the form's template needs."""
        others = changelist.get_filters_params().items()
        yield {
            "used": self.used_parameters,
            "others": [(name, each[-1]) for name, each in others if name not in self.parameters],
            "clear": changelist.get_query_string(remove=list(self.parameters)),
        }


class DaysFilter(FormFilter):
    """Days in the site's time zone, the first and the last included: a range of created_at."""

    title = _("day")
    template = "admin/wx_realname/days_filter.html"
    parameters = ("since", "until")

    def in_words(self) -> str:
        first, last = (str(self.used_parameters.get(name, "")) for name in self.parameters)
        return first if first == last else f"{first} – {last}"

    def choices(self, changelist: Any) -> Iterator[Any]:
        (form,) = super().choices(changelist)
        ranges = [
            {
                "name": name,
                "query": changelist.get_query_string(used := {"since": first, "until": last}),
                "selected": used == self.used_parameters,
            }
            for name, first, last in usual_ranges(timezone.localdate())
        ]
        yield {**form, "ranges": ranges}

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if first := self._day("since"):
            queryset = queryset.filter(created_at__gte=midnight(first))
        if last := self._day("until"):
            queryset = queryset.filter(created_at__lt=midnight(last + timedelta(days=1)))
        if first and last and last < first:
            raise RefusedFilter(self.title, self.in_words())
        return queryset

    def _day(self, name: str) -> date | None:
        text = self.used_parameters.get(name)
        if text is None:
            return None
        try:
            day = date.fromisoformat(text)
            midnight(day), midnight(day + timedelta(days=1))
        except (ValueError, OverflowError) as error:
            raise RefusedFilter(self.title, text) from error
        return day


def usual_ranges(today: date) -> list[tuple[Any, str, str]]:
    """The ranges that are offered as links: name, first day, last day."""
    monday = today - timedelta(days=today.weekday())
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    before = quarter - timedelta(days=1)
    last_quarter = before.replace(month=before.month - 2, day=1)
    ranges = (
        (_("Today"), today, today),
        (_("This week"), monday, today),
        (_("This quarter"), quarter, today),
        (_("Last quarter"), last_quarter, before),
    )
    return [(name, f"{first}", f"{last}") for name, first, last in ranges]


class AccountFilter(FormFilter):
    """One account, by its id."""

    template = "admin/wx_realname/account_filter.html"
    help_text: Any

    @property
    def parameter(self) -> str:
        return self.parameters[0]

    def in_words(self) -> Any:
        id_ = self.account()
        return shown(id_, usernames([id_]))

    def choices(self, changelist: Any) -> Iterator[Any]:
        (form,) = super().choices(changelist)
        yield {
            **form,
            "name": self.parameter,
            "help_text": self.help_text,
            "value": self.used_parameters.get(self.parameter, ""),
        }

    def account(self) -> str | None:
        """The account's id as text; None where the text can't be one."""
        key = user_key(self.used_parameters[self.parameter])
        return None if key is None else str(key)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.used_parameters:
            return queryset
        id_ = self.account()
        found = queryset.filter(**{f"{self.parameter}_id": id_}) if id_ else queryset.none()
        if not (usernames([id_]) or found.exists()):  # the trail outlives the account
            raise RefusedFilter(self.title, self.used_parameters[self.parameter])
        return found


class UserFilter(AccountFilter):
    """By the id alone: a citizen's user name may be an openid, and stands in no address."""

    title, parameters = _("user"), ("user",)
    help_text = _("The account's id")


class ActorFilter(AccountFilter):
    title, parameters = _("actor"), ("actor",)
    help_text = _("The user name or the id of the account")

    def account(self) -> str | None:
        return account_id(self.used_parameters[self.parameter])
