"""Ids in lists: their end alone, the whole on hover, and a button that copies it."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

SHOWN = 8  # of a UUIDv7 the end tells records apart: its beginning is the time


def short(id_: Any, address: str = "") -> str:
    """The id's end, as a link where there is an address. Without scripts there is no button."""
    whole = str(id_)
    text = f"…{whole[-SHOWN:]}"
    if address:
        text = format_html('<a href="{}">{}</a>', address, text)
    return format_html(
        '<span class="wx-id" title="{whole}">{text}</span>'
        '<button type="button" class="wx-copy" data-copy="{whole}" title="{copy}" hidden>'
        '<span class="visually-hidden">{copy}</span></button>',
        whole=whole,
        text=text,
        copy=_("Copy the whole id"),
    )
