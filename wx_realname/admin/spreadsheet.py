"""CSV that is safe to open in a spreadsheet, line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Verification
from ..services.disclosure.export import Exported

BOM = "\ufeff"  # without it, Excel takes UTF-8 for the system's old encoding
_LINES = 200  # lines sent together

#: What a spreadsheet may run as a formula, full-width signs included, also behind blanks (NBSP, BOM),
#: or take for a number or a date: "0012", "1.10", "2026-01", ID numbers.
_RISKY = re.compile(
    r"[\s\ufeff\u200b]*([=+\-@＝＋－＠]|[\t\r\n]|\d[\d.,/:\-]*(\D?$|[eE][+\-]?\d+$|[年月]))"
)

_PLAIN_FIELDS = ("real_name_masked", "credential_id_masked")
FIELDS = (
    "created_at",
    "status",
    *_PLAIN_FIELDS,
    "check_digit_valid",
    "user_id",
    "merchant",
    "mch_id",
    "method",
    "consent",
    "error_code",
    "errcode",
    "errmsg",
    "verified_at",
    "erased_at",
    "id",
)


def cell(value: Any) -> Any:
    """The value as text, behind an apostrophe where a spreadsheet would run or round it."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    text = str(value)
    return f"'{text}" if _RISKY.match(text) else text


def lines(exported: Generator[Exported, None, None]) -> Iterator[str]:
    """The file's text. Words are put into the request's language at once, not while it is sent."""
    header = [_heading(name) for name in FIELDS]
    labels = {str(value): str(label) for value, label in Verification.Status.choices}
    labels |= {str(value): str(label) for value, label in Verification.Method.choices}
    return _written(header, exported, labels, _("(can't be read)"))


def attachment(text: Iterator[str], name: str) -> StreamingHttpResponse:
    """A file to be saved, `<name>-<now>.csv`."""
    answer = StreamingHttpResponse(text, content_type="text/csv; charset=utf-8")
    filename = f"{name}-{timezone.localtime():%Y%m%d-%H%M%S}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _heading(name: str) -> str:
    field = Verification._meta.get_field(name)
    heading = str(getattr(field, "verbose_name", name))
    if name.endswith("_at"):
        return f"{heading} ({timezone.get_current_timezone()})"
    return heading


def _values(item: Exported, labels: dict[str, str], unreadable: str) -> Iterator[Any]:
    row, data = item.verification, item.personal_data
    plain = {} if data is None else dict(zip(_PLAIN_FIELDS, _both(data), strict=True))
    for name in FIELDS:
        if name in _PLAIN_FIELDS:
            yield unreadable if item.unreadable else plain.get(name, _masked(row, name))
        elif name in ("status", "method"):
            yield labels.get(getattr(row, name), getattr(row, name))
        else:
            yield getattr(row, name)


def _masked(row: Verification, name: str) -> str | None:
    """As MASK_NAME lets it be shown."""
    return row.real_name_shown if name == "real_name_masked" else row.credential_id_masked


def _both(data: Any) -> tuple[str, str]:
    return data.real_name, data.credential_id


def _written(
    header: list[str],
    exported: Generator[Exported, None, None],
    labels: dict[str, str],
    unreadable: str,
) -> Iterator[str]:
    """Closed early, it closes what it reads from, so that the trail tells how far it came."""
    waiting = io.StringIO(
        newline=""
    )  # not a list: should the database fail, no repr shows the text
    waiting.write(BOM)
    # all quoted: where the list separator is a semicolon, a cell is still one cell
    writer = csv.writer(waiting, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    with closing(exported) as items:
        for count, item in enumerate(items, 1):
            writer.writerow(map(cell, _values(item, labels, unreadable)))
            if count % _LINES == 0:
                yield _taken(waiting)
        yield _taken(waiting)


def _taken(waiting: io.StringIO) -> str:
    text = waiting.getvalue()
    waiting.seek(0)
    waiting.truncate()
    return text
