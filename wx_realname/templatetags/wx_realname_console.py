"""What the console's templates need beside Django's own filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

from ..admin.clock import moment

register = template.Library()

register.filter("moment", moment)


@register.filter
def grouped(number: int) -> str:
    """With commas between the thousands."""
    return f"{number:,}"


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A row's cells, each with its column's name: a narrow window shows a row as a card."""
    for cell, header in zip(cells, headers, strict=False):
        label = escape(capfirst(str(header["text"])))
        tag, _space, rest = str(cell).partition(" ")
        empty = " data-empty" if rest.endswith((">-</td>", ">–</td>", ">&nbsp;</td>")) else ""
        yield mark_safe(f'{tag} data-label="{label}"{empty} {rest}')  # noqa: S308 - a cell that Django escaped
