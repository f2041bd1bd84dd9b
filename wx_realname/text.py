"""Texts from outside: validated, or trimmed."""

from __future__ import annotations

import re
import unicodedata

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .personal_data import Secret

VISIBLE_ASCII = re.compile(r"[!-~]+")
#: Control characters, and lone surrogates, which no database takes.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_text(text: Secret, max_length: int, *, blank: bool = False) -> str | Promise | None:
    """The fault of the text (not a string, empty, too long, control characters), or None."""
    if not isinstance(text.reveal(), str):
        return _("This must be a string.")
    if not blank and not text.reveal().strip():
        return _("This must not be empty.")
    if len(text.reveal()) > max_length:
        return _("This must be at most %(max)d characters.") % {"max": max_length}
    if CONTROL.search(text.reveal()):
        return _("This has control characters.")
    return None


def clean_token(token: Secret, max_length: int) -> str | Promise | None:
    """The fault of a WeChat token, or None. Blanks are refused: WeChat may trim them, and we compare."""
    if fault := clean_text(token, max_length):
        return fault
    if not VISIBLE_ASCII.fullmatch(token.reveal()):
        return _("This must have visible ASCII characters only.")
    return None


def trim(text: str) -> str:
    """The text without blanks, line breaks and invisible characters (BOM, U+200B) at its ends."""
    seen = [place for place, sign in enumerate(text) if not _is_invisible(sign)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _is_invisible(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) == "Cf"
