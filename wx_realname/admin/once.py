"""A form that acts once: it has the signed id of the event that it will write.

Sent again (F5, a double click), it finds that event. What was typed into it after the session had ended is
kept in the new session, on the server, until the same officer has logged in. It is never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core import signing
from django.utils.translation import gettext_lazy as _

from .. import audit
from ..exceptions import InvalidRequest
from ..models import Verification
from ..services.reasons import require_reason
from ..uuid7 import uuid7
from .forms import OnceForm

VALID = 86_400  # seconds
EXPORT = "export"  # what the form is about, where it is about no record
_SALT = "wx_realname.console.once"
_KEY = "wx_realname_typed"
_ENDED = _(
    "The session has ended, and nothing was done. What you typed is in the form again after you log in."
)


class OutdatedForm(Exception):
    """The form's token isn't of this officer, about this, and of the last day."""


@dataclass(frozen=True)
class Once:
    """Whose form it is, the record it is about (or EXPORT), and the id of its event."""

    user: str
    about: str
    event: UUID


def token(request: Any, about: Any) -> str:
    """A new token, for a form of that officer's about that record, or EXPORT."""
    return signing.dumps([str(request.user.pk), str(about), str(uuid7())], salt=_SALT)


def read(text: str) -> Once | None:
    """None for a forged token, and for one that is older than a day."""
    try:
        user, about, event = signing.loads(text, salt=_SALT, max_age=VALID)
    except signing.BadSignature:
        return None
    return Once(user, about, UUID(event))


def event_id(request: Any, about: Any, form: OnceForm) -> UUID:
    """The id that the valid form gives its event. Raises `OutdatedForm`."""
    once = read(form.cleaned_data["once"])
    if once is None or (once.user, once.about) != (str(request.user.pk), str(about)):
        raise OutdatedForm
    return once.event


def bound(request: Any, about: Any, form: Callable[..., OnceForm]) -> OnceForm:
    """The form with what was sent; else empty, or with what was typed before the session ended.

    A script may send it without a token; it gets one.
    """
    new = token(request, about)
    if not request.POST:
        return form(initial={**_take_typed(request, about), "once": new})
    data = request.POST.copy()
    data.setdefault("once", new)
    return form(data)


def keeping(view: Any, site: AdminSite, form: Callable[..., OnceForm]) -> Any:
    """The view; what is sent to it after the session has ended is in the form again after logging in."""

    @wraps(view)
    def keeping_view(request: Any, *args: Any, **kwargs: Any) -> Any:
        has_ended = request.method == "POST" and not site.has_permission(request)
        if has_ended and keep_typed(request, form(request.POST), kwargs.get("object_id")):
            messages.warning(request, _ENDED)
        return view(request, *args, **kwargs)

    return keeping_view


def keep_typed(request: Any, form: OnceForm, record: Any) -> bool:
    """Keep what was typed: only of a form with a valid token, and only what the trail would keep."""
    once = read(form.cleaned_data["once"]) if form.is_valid() else None
    if once is None or once.about != str(record or EXPORT):
        return False
    row = Verification.objects.filter(pk=record).first() if record else None
    typed = form.typed()
    try:
        require_reason(
            typed["reason"],
            audit.MAX_REASON,
            blank=record is None,
            case_number=typed["case_number"],
            about=row,
        )
    except InvalidRequest:
        return False
    request.session[_KEY] = {"user": once.user, "about": once.about, "typed": typed}
    return True


def _take_typed(request: Any, about: Any) -> dict[str, str]:
    """What that officer typed about that; it is given back once, and to nobody else."""
    kept = request.session.pop(_KEY, None) or {}
    if (kept.get("user"), kept.get("about")) != (str(request.user.pk), str(about)):
        return {}
    typed: dict[str, str] = kept["typed"]
    return typed
