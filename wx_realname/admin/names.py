"""User names for the user ids on a page, in one query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from ..audit import user_keys

NOTHING = "–"


def yes_or_no(value: bool | None) -> str:
    """As a word. Django's red icon would make a plain "no" look like a fault."""
    return NOTHING if value is None else _("yes") if value else _("no")


def usernames(ids: Iterable[Any]) -> dict[str, str]:
    """User names by id, both as text. Deleted users are absent."""
    user = get_user_model()
    known = user_keys(ids)
    if not known:
        return {}
    name = user.USERNAME_FIELD
    found = user._default_manager.filter(pk__in=known).values_list("pk", name)
    return {str(pk): str(username) for pk, username in found}


def shown(id_: Any, names: dict[str, str]) -> str | None:
    """The name with its id; the id alone for a deleted user."""
    if id_ in (None, ""):
        return None
    name = names.get(str(id_))
    return f"{name} ({id_})" if name else str(id_)
