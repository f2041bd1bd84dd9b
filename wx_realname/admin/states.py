"""What a record's status means, and what to do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ..models import Verification
from ..services.operation.remedies import CALLS, Words, words

Status = Verification.Status

_ENDED_BADLY = (Status.REJECTED, Status.FAILED, Status.UNKNOWN)
#: Where no error code says more.
_WORDS = {
    Status.PENDING: (
        _("WeChat is being asked."),
        _("Nothing to do: it ends by itself, after PENDING_TIMEOUT at the latest."),
    ),
    Status.WAITING: (
        _("The citizen is before the camera; WeChat has reported no result yet."),
        _("Nothing to do: realname_settle asks WeChat before the verify_id expires."),
    ),
    Status.VERIFIED: (_("WeChat has confirmed this person's name and ID number."), ""),
    Status.REJECTED: (_("WeChat rejected the verification. Nothing is stored."), ""),
    Status.FAILED: (_("The attempt failed; the citizen can try again."), ""),
    Status.UNKNOWN: (
        _("WeChat may have answered; its answer is not known."),
        _("The citizen begins anew."),
    ),
    Status.ERASED: (
        _("Name and ID number were erased. The record and its audit events stay."),
        _("A service that needs a real name asks the citizen to verify anew."),
    ),
}


def words_of(row: Verification) -> Words:
    """Of the error with which the record ended, as its method's calls give it; else of its status."""
    if row.error_code and row.status in _ENDED_BADLY:
        code = row.errcode if row.verify_ret is None else row.verify_ret
        found = words(row.error_code, code, *CALLS.get(row.method, ()))
        if found.meaning:
            return found
    meaning, remedy = _WORDS.get(Status(row.status), ("", ""))
    return Words(str(meaning), str(remedy))
