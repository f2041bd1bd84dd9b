"""Ids in lists: the last characters, the whole id on hover, and a button that copies it."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

SHOWN = 8  # the end of a UUIDv7 is random; its beginning is the time


def short(id_: Any, address: str) -> str:
    """The last characters of the id, as a link to the address. The button needs scripts."""
    whole = str(id_)
    return format_html(
        '<span class="wx-id" title="{whole}"><a href="{address}">{text}</a></span>'
        '<button type="button" class="wx-copy" data-copy="{whole}" title="{copy}" hidden>'
        '<span class="visually-hidden">{copy}</span></button>',
        whole=whole,
        address=address,
        text=f"…{whole[-SHOWN:]}",
        copy=_("Copy the whole id"),
    )
