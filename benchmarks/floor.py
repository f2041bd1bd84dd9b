"""The floor's statements: those of our own exchange, heard once and sent again with ids of their own."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from wx_realname.models import AuditEvent, Verification

Statement = tuple[str, list[Any]]
Renewal = Callable[[list[Any]], list[Any]]


@contextmanager
def heard() -> Iterator[list[Statement]]:
    """The statements that this thread sends meanwhile."""
    statements: list[Statement] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, [_kept(value) for value in params or ()]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield statements


class Replay:
    """One INSERT, committed; then UPDATE and INSERT in one transaction: raw SQL, no ORM."""

    def __init__(self, statements: list[Statement]) -> None:
        """Of the exchange that was recorded last."""
        writes = [each for each in statements if each[0].startswith(("INSERT", "UPDATE"))]
        self._reserve, self._record, self._append = writes
        row, event = (
            Verification.objects.latest("created_at"),
            AuditEvent.objects.latest("created_at"),
        )
        self._old = (
            _in_database(row.pk),
            _in_database(event.pk),
            row.token_digest,
            row.answer_digest,
        )

    def save(self, file: Path) -> None:
        file.write_bytes(pickle.dumps(self))

    @classmethod
    def load(cls, file: Path) -> Replay:
        replay: Replay = pickle.loads(file.read_bytes())  # noqa: S301 - our own, of this very run
        return replay

    def reserve(self) -> Renewal:
        """The INSERT, committed; the ids of this time for what follows."""
        ids = (_in_database(uuid4()), _in_database(uuid4()))
        new = (*ids, secrets.token_hex(32), secrets.token_hex(32))
        renewed = self._renewal(new)
        with connection.cursor() as cursor:
            cursor.execute(self._reserve[0], renewed(self._reserve[1]))
        return renewed

    def record(self, renewed: Renewal) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self._record[0], renewed(self._record[1]))
            cursor.execute(self._append[0], renewed(self._append[1]))

    def _renewal(self, new: tuple[Any, ...]) -> Renewal:
        names = dict(zip(self._old, new, strict=True))
        return lambda params: [names.get(value, value) for value in params]


def _kept(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _in_database(value: Any) -> Any:
    return Verification._meta.pk.get_db_prep_value(value, connection)
