"""Django's change list without COUNT(*), without OFFSET, and with a fixed order."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ..services import keyset
from .filters import RefusedFilter

OLDER, NEWER = "older", "newer"
CURSORS = (OLDER, NEWER)


class KeysetChangeList(ChangeList):
    """A list with keyset pagination: its links lead to older and newer rows."""

    page: keyset.Page

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(capfirst(self.opts.verbose_name_plural))  # there is nothing to be selected

    def get_results(self, request: Any) -> None:
        older, newer = (request.GET.get(name, "") for name in CURSORS)
        try:
            self.page = keyset.page(self.queryset, self.list_per_page, older=older, newer=newer)
        except (ValueError, OverflowError) as error:
            raise RefusedFilter(_("place in the list"), newer or older) from error
        self.model_admin.prepare(self.page.rows)  # type: ignore[attr-defined]
        # read by Django's templates
        self.result_list: Any = self.model_admin.fold(request, self.page.rows)  # type: ignore[attr-defined]
        self.result_count = len(self.page.rows)
        self.full_result_count = None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False

    def get_ordering(self, request: Any, queryset: Any) -> Any:
        """Always the same: there is an index for no other order."""
        return list(keyset.NEWEST_FIRST)

    def get_filters_params(self, params: Any = None) -> Any:
        given = super().get_filters_params(params)
        return {name: value for name, value in given.items() if name not in CURSORS}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Without a place, unless one is given: a changed filter begins at the first page."""
        return super().get_query_string(new_params, [*(remove or ()), *CURSORS])

    @property
    def chosen(self) -> list[tuple[Any, Any]]:
        """The filters in force, in words."""
        specs: Any = self.filter_specs
        in_force = [spec for spec in specs if spec.value()]
        return [(spec.title, spec.in_words()) for spec in in_force]

    @property
    def older_link(self) -> str | None:
        if not self.page.has_older:
            return None
        return self.get_query_string({OLDER: str(keyset.Place.of(self.page.rows[-1]))})

    @property
    def newer_link(self) -> str | None:
        if not self.page.has_newer or not self.page.rows:
            return None
        return self.get_query_string({NEWER: str(keyset.Place.of(self.page.rows[0]))})

    @property
    def newest_link(self) -> str | None:
        return self.get_query_string() if self.page.has_newer else None

    @property
    def oldest_link(self) -> str | None:
        return self.get_query_string({NEWER: keyset.BOTTOM}) if self.page.has_older else None
