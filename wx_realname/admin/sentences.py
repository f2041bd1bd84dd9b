"""An event's reason as a sentence in the reader's language."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import AuditEvent, Verification
from ..services import facts
from .clock import moment

Event = AuditEvent.Event
Found = re.Match[str]

_BY = {
    "name": gettext_lazy("by name"),
    "number": gettext_lazy("by ID number"),
    "name and number": gettext_lazy("by name and ID number"),
}
_CONTENT = {"plain": gettext_lazy("in plain text"), "masked": gettext_lazy("masked")}
_FILTERS = {
    "since": gettext_lazy("from"),
    "until": gettext_lazy("until"),
    "user": gettext_lazy("user"),
    "status": gettext_lazy("status"),
    "merchant": gettext_lazy("merchant"),
    "method": gettext_lazy("method"),
    "error_code": gettext_lazy("error code"),
    "errcode": gettext_lazy("WeChat return code"),
}
_VALUES = dict(Verification.Status.choices) | dict(Verification.Method.choices)
#: Reasons that the code writes when it erases.
_ERASED = {
    "the user was deleted": gettext_lazy("The user was deleted."),
    "consent withdrawn": gettext_lazy("The consent was withdrawn."),
    "RETENTION_DAYS": gettext_lazy("The retention period was over."),
    "erased before a restore": gettext_lazy("Erased again after a backup was restored."),
}
_PAGES = {
    "changelist": gettext_lazy("list"),
    "change": gettext_lazy("page"),
    "add": gettext_lazy("add"),
    "delete": gettext_lazy("delete"),
    "history": gettext_lazy("history"),
}


def sentence(event: AuditEvent) -> str:
    """A reason that the code wrote, as a sentence. An officer's reason, or an unknown form, unchanged."""
    for form, tell in _FORMS.get(event.event, ()):
        if found := form.fullmatch(event.reason):
            return tell(found) if callable(tell) else str(tell) % found.groupdict()
    if event.event == Event.ERASE and event.reason in _ERASED:
        return str(_ERASED[event.reason])
    return event.reason


def rows_of(event: AuditEvent) -> int | None:
    """How many records the event is about, where it says so."""
    ended = event.event == Event.EXPORT_ENDED and facts.ENDED.fullmatch(event.reason)
    return int(ended["rows"]) if ended else event.records


def chosen_in_words(chosen: str) -> str:
    """The filters of an export."""
    if chosen == facts.ALL:
        return _("all records")
    pairs = (part.partition("=") for part in chosen.split(", "))
    return _(", ").join(
        _("%(filter)s: %(value)s")
        % {"filter": _FILTERS.get(name, name), "value": _VALUES.get(value, value)}
        for name, _equals, value in pairs
    )


def _joined(*parts: Any) -> str:
    return _("; ").join(str(part) for part in parts if part)


def _searched(found: Found) -> str:
    count, by = int(found["found"]), _BY[found["by"]]
    if found["cut"]:
        return _("Searched %(by)s: more than %(count)s found.") % {"by": by, "count": f"{count:,}"}
    text = ngettext("Searched %(by)s: %(count)s found.", "Searched %(by)s: %(count)s found.", count)
    return text % {"by": by, "count": f"{count:,}"}


def _search_refused(found: Found) -> str:
    text = _("Searched %(by)s: refused, too many searches found nothing (SEARCH_RATE).")
    return text % {"by": _BY[found["by"]]}


def _exported(found: Found) -> str:
    released = _("released by another officer") if found["request"] else ""
    content = _CONTENT[found["content"]]
    return _joined(content, released, chosen_in_words(found["chosen"]), found["reason"])


def _ended(found: Found) -> str:
    count = int(found["rows"])
    text = ngettext("%(count)s row", "%(count)s rows", count) % {"count": f"{count:,}"}
    whole = found["end"] == "complete"
    return _joined(text, _("all of them") if whole else _("cut short"))


def _requested(found: Found) -> str:
    return _joined(chosen_in_words(found["chosen"]), found["reason"])


def _expired(found: Found) -> str:
    return _("Events before %(time)s.") % {"time": moment(datetime.fromisoformat(found[0]))}


def _refused_permissions(found: Found) -> str:
    return _lacks(" / ".join(map(_permission, found[0].split(" or "))))


def _refused_page(found: Found) -> str:
    model = apps.get_model("wx_realname", found["model"])
    page = _PAGES.get(found["page"], found["page"])
    return _lacks(f"{model._meta.verbose_name_plural} ({page})")


def _refused_release(_found: Found) -> str:
    return _lacks(_("release of one's own request"))


def _lacks(what: str) -> str:
    return _("Lacks the permission: %(what)s.") % {"what": what}


def _permission(name: str) -> str:
    """The permission's own name; Django's for viewing is in English alone."""
    codename = name.removeprefix("wx_realname.")
    for model in apps.get_app_config("wx_realname").get_models():
        if codename == f"view_{model._meta.model_name}":
            return _("see %(what)s") % {"what": model._meta.verbose_name_plural}
        for own, label in model._meta.permissions:
            if codename == own:
                return str(label)
    return name


_UUID = r"[0-9a-f-]{36}"
_MODELS = "verification|auditevent|notice|consent|hourlystatistic"
_BEGUN = gettext_lazy("Begun: to the keys %(encryption)s and %(index)s.")
_RENEWED = gettext_lazy(
    "%(encrypted)s re-encrypted under %(encryption)s, %(indexed)s re-indexed under %(index)s, "
    "%(unreadable)s unreadable."
)
_OF_SEAL = gettext_lazy("Events of seal %(number)s.")
#: By event: the form of a reason, and the sentence, with the names of the form's groups, or a function.
_FORMS: dict[str, tuple[tuple[re.Pattern[str], Any], ...]] = {
    Event.SEARCH: ((facts.SEARCHED, _searched), (facts.SEARCH_REFUSED, _search_refused)),
    Event.EXPORT: ((facts.EXPORTED, _exported),),
    Event.EXPORT_PART: ((facts.EXPORTED, _exported),),
    Event.EXPORT_ENDED: ((facts.ENDED, _ended),),
    Event.EXPORT_REQUESTED: ((facts.REQUESTED, _requested),),
    Event.EXPORT_RELEASED: ((facts.REQUESTED, _requested),),
    Event.ROTATION: ((facts.ROTATION_BEGUN, _BEGUN), (facts.ROTATION_ENDED, _RENEWED)),
    Event.EXPIRY: (
        (re.compile(r"events of seal (?P<number>\d+)"), _OF_SEAL),
        (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00"), _expired),
    ),
    Event.NOTICE_PUBLISHED: ((re.compile(rf"(?P<version>.+ \(.+\)) {_UUID}"), "%(version)s"),),
    Event.PERMISSION_REFUSED: (
        (re.compile(r"wx_realname\.\w+(?: or wx_realname\.\w+)*"), _refused_permissions),
        (
            re.compile(rf"wx_realname_(?P<model>{_MODELS})_(?P<page>\w+)"),
            _refused_page,
        ),
        (facts.OWN_RELEASE, _refused_release),
    ),
}
