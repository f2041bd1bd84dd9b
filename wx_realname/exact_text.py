"""The field of our short texts: two of them are alike where every character is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from . import databases

# The Django plugin of mypy knows an attribute's type by the field that it knows.
if TYPE_CHECKING:
    ExactCharField = models.CharField
else:

    class ExactCharField(models.CharField):
        """A CharField that compares exactly: by its default, MySQL takes `A` for `a`, and `a ` too."""

        def db_parameters(self, connection: Any) -> dict[str, Any]:
            collation = databases.exact_collation(connection)
            return super().db_parameters(connection) | {"collation": collation}
