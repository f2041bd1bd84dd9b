"""Forms that act once: the form has the id of its row, so that a second sending finds the row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError

from ..models import AuditEvent, ExportRequest
from .transactions import durable

Model = type[AuditEvent] | type[ExportRequest]


class AlreadySent(Exception):
    """The same form was sent before: its row stands, and nothing is done again."""


def require_unsent(model: Model, id_: UUID | None, using: str) -> None:
    """Raises `AlreadySent` where there is a row with the form's id."""
    if id_ is not None and model._default_manager.using(using).filter(pk=id_).exists():
        raise AlreadySent


@contextmanager
def durable_once(model: Model, id_: UUID | None, using: str) -> Iterator[None]:
    """`durable`, around the insert of the row with the form's id. Raises `AlreadySent` for a second one."""
    require_unsent(model, id_, using)
    try:
        with durable(using):
            yield
    except IntegrityError:
        require_unsent(model, id_, using)  # the same form, sent twice at once
        raise
