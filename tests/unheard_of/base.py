"""What it lacks: JSON operators, partial indexes, RETURNING, ON CONFLICT, row locks that skip."""

from __future__ import annotations

from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures


class DatabaseFeatures(SQLiteFeatures):
    can_introspect_json_field = False
    can_return_columns_from_insert = False
    can_return_rows_from_bulk_insert = False
    can_return_rows_from_update = False
    has_json_object_function = False
    has_json_operators = False
    has_native_json_field = False
    has_select_for_update = False
    has_select_for_update_skip_locked = False
    supports_aggregate_filter_clause = False
    supports_expression_indexes = False
    supports_json_field_contains = False
    supports_partial_indexes = False
    supports_update_conflicts = False
    supports_update_conflicts_with_target = False


class DatabaseWrapper(base.DatabaseWrapper):
    vendor = "unheard-of"
    display_name = "Unheard-of"
    features_class = DatabaseFeatures
