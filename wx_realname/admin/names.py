"""User names for the user ids on a page, in one query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

NOTHING = "–"


def yes_or_no(value: bool | None) -> str:
    """As a word. Django's red icon would make a plain "no" look like a fault."""
    return NOTHING if value is None else _("yes") if value else _("no")


def usernames(ids: Iterable[Any]) -> dict[str, str]:
    """User names by id, both as text. Deleted users are absent."""
    user = get_user_model()
    known = {id_ for id_ in map(key_of, ids) if id_ is not None}
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


def key_of(id_: Any) -> Any:
    """The id as the user model's key. None if it can't be one: events keep ids as text of 64 characters."""
    try:
        return None if id_ in (None, "") else get_user_model()._meta.pk.clean(id_, None)
    except ValidationError:
        return None
