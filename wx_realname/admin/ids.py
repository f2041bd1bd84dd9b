"""Ids in lists: the last characters, the whole id on hover, and a button that copies it."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

SHOWN = 8  # the end of a UUIDv7 is random; its beginning is the time


def short(id_: Any, address: str = "") -> str:
    """The last characters of the id, as a link if there is an address. The button needs scripts."""
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
