"""An admin in which nothing can be added, changed or deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property


class UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than the list goes: COUNT(*) reads a whole table of millions."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[: self.MOST])


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looks only; the permission to view is Django's own."""

    show_full_result_count = False
    paginator = UncountedPaginator
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
