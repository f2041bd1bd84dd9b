"""The floor's statements: those of our own exchange, heard once and sent again with ids of their own."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
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
    """The INSERTs of the reservation, committed; then UPDATE and INSERT in one transaction: no ORM."""

    def __init__(self, statements: list[Statement]) -> None:
        """Of the exchange that was recorded last."""
        writes = [each for each in statements if each[0].startswith(("INSERT", "UPDATE"))]
        asked = next(n for n, (sql, _) in enumerate(writes) if sql.startswith("UPDATE"))
        self._reservation, self._record = writes[:asked], writes[asked:]
        row = Verification.objects.latest("created_at")
        events = AuditEvent.objects.filter(verification_id=row.pk).values_list("pk", flat=True)
        ids = [id_ for id_ in (row.pk, row.consent_id, *events) if id_]
        self._ids = [_in_database(id_) for id_ in ids]
        self._digests = [row.token_digest, row.answer_digest]

    def save(self, file: Path) -> None:
        file.write_bytes(pickle.dumps(self))

    @classmethod
    def load(cls, file: Path) -> Replay:
        replay: Replay = pickle.loads(file.read_bytes())  # noqa: S301 - our own, of this very run
        return replay

    def reserve(self) -> Renewal:
        """The INSERTs, committed; the ids of this time for what follows."""
        renewed = self._renewal()
        alone = len(self._reservation) == 1  # it commits itself
        with nullcontext() if alone else transaction.atomic():
            _run(self._reservation, renewed)
        return renewed

    def record(self, renewed: Renewal) -> None:
        with transaction.atomic():
            _run(self._record, renewed)

    def _renewal(self) -> Renewal:
        names = {old: _in_database(uuid4()) for old in self._ids}
        names |= {old: secrets.token_hex(32) for old in self._digests}
        return lambda params: [names.get(value, value) for value in params]


def _run(statements: list[Statement], renewed: Renewal) -> None:
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, renewed(params))


def _kept(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _in_database(value: Any) -> Any:
    return Verification._meta.pk.get_db_prep_value(value, connection)
