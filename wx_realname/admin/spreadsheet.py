"""An export as a file: CSV, line by line, or a workbook (.xlsx), whole and in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..cells import BOM, as_csv, as_text
from ..models import Verification
from ..services.disclosure.export import Exported

#: Rows of a workbook, which takes about 4 KB of memory a row. A sheet would hold 1,048,576.
MOST_IN_WORKBOOK = 50_000

_LINES = 200  # of CSV, sent together
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_LABELLED = ("status", "method", "check_digit_valid")
FIELDS = (
    "created_at",
    "status",
    "real_name_masked",
    "credential_id_masked",
    "check_digit_valid",
    "user_id",
    "merchant",
    "mch_id",
    "method",
    "consent_id",
    "error_code",
    "errcode",
    "errmsg",
    "verified_at",
    "erased_at",
    "id",
)

Values = Callable[[Exported], Iterator[Any]]


def makes_workbooks() -> bool:
    """Whether XlsxWriter is there, which the extra [xlsx] installs."""
    return find_spec("xlsxwriter") is not None


def as_lines(exported: Generator[Exported, None, None]) -> StreamingHttpResponse:
    """CSV. Words are put into the request's language at once, not while it is sent."""
    return attachment(_written(_header(), exported, _in_words()), "verifications")


def attachment(text: Iterator[str], name: str) -> StreamingHttpResponse:
    """CSV to be saved, `<name>-<now>.csv`."""
    headers = _saved_as(name, "csv")
    return StreamingHttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


def as_workbook(exported: Generator[Exported, None, None]) -> HttpResponse:
    """An .xlsx with nothing but texts. It is never on a disk: it may hold names in plain text."""
    import xlsxwriter  # an extra

    file, values = io.BytesIO(), _in_words()
    with closing(exported) as items, xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        _fill(sheet, 0, _header())
        for number, item in enumerate(items, 1):
            _fill(sheet, number, values(item))
    headers = _saved_as("verifications", "xlsx")
    return HttpResponse(file.getvalue(), content_type=_XLSX, headers=headers)


def _saved_as(name: str, kind: str) -> dict[str, str]:
    filename = f"{name}-{timezone.localtime():%Y%m%d-%H%M%S}.{kind}"
    return {
        "Content-Disposition": f'attachment; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
    }


def _header() -> list[str]:
    return [_heading(name) for name in FIELDS]


def _heading(name: str) -> str:
    field = Verification._meta.get_field(name)
    heading = str(getattr(field, "verbose_name", name))
    if name.endswith("_at"):
        return f"{heading} ({timezone.get_current_timezone()})"
    return heading


def _in_words() -> Values:
    """What gives a record's values, with words in the request's language."""
    labels: dict[Any, str] = {True: _("yes"), False: _("no")}
    for value, label in (*Verification.Status.choices, *Verification.Method.choices):
        labels[value] = str(label)
    return partial(_values, labels=labels, unreadable=_("(can't be read)"))


def _values(item: Exported, *, labels: dict[Any, str], unreadable: str) -> Iterator[Any]:
    row, data = item.verification, item.personal_data
    person: tuple[str | None, str | None]
    if item.unreadable:
        person = unreadable, unreadable
    elif data is not None:
        person = data.real_name, data.credential_id
    else:
        person = row.real_name_shown, row.credential_id_masked
    shown = {"real_name_masked": person[0], "credential_id_masked": person[1]}
    for name in FIELDS:
        value = shown[name] if name in shown else getattr(row, name)
        yield labels.get(value, value) if name in _LABELLED else value


def _fill(sheet: Any, number: int, values: Iterable[Any]) -> None:
    """Each as a string: no formula, no number, no link."""
    for column, text in enumerate(map(as_text, values)):
        if text:
            sheet.write_string(number, column, text)


def _written(
    header: list[str], exported: Generator[Exported, None, None], values: Values
) -> Iterator[str]:
    """Closed early, it closes what it reads from, so that the trail records how far it got."""
    waiting = io.StringIO(
        newline=""
    )  # not a list: should the database fail, no repr shows the text
    waiting.write(BOM)
    # all quoted: where the list separator is a semicolon, a cell is still one cell
    writer = csv.writer(waiting, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    with closing(exported) as items:
        for count, item in enumerate(items, 1):
            writer.writerow(map(as_csv, values(item)))
            if count % _LINES == 0:
                yield _taken(waiting)
        yield _taken(waiting)


def _taken(waiting: io.StringIO) -> str:
    text = waiting.getvalue()
    waiting.seek(0)
    waiting.truncate()
    return text
