"""Who stands behind the ids of a page, in one query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

NOTHING = "–"


def yes_or_no(value: bool | None) -> str:
    """In words: an icon's colour would call a plain "no" a fault."""
    return NOTHING if value is None else _("yes") if value else _("no")


def usernames(ids: Iterable[Any]) -> dict[str, str]:
    """By id, as text; users who were deleted are absent."""
    user = get_user_model()
    known = {id_ for id_ in map(_key, ids) if id_ is not None}
    if not known:
        return {}
    name = user.USERNAME_FIELD
    found = user._default_manager.filter(pk__in=known).values_list("pk", name)
    return {str(pk): str(username) for pk, username in found}


def shown(id_: Any, names: dict[str, str]) -> str | None:
    """The name with its id; the id alone for who is gone."""
    if id_ in (None, ""):
        return None
    name = names.get(str(id_))
    return f"{name} ({id_})" if name else str(id_)


def _key(id_: Any) -> Any:
    """An event keeps ids as text, cut at 64 characters: not every one need be a key of today's users."""
    try:
        return None if id_ in (None, "") else get_user_model()._meta.pk.to_python(id_)
    except ValidationError:
        return None
