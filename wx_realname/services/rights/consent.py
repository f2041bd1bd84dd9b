"""Consent: a row for each attempt, made in the transaction that reserves its record."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import router
from django.utils.translation import gettext_lazy as _

from ... import audit, conf, statements
from ...exceptions import ConsentRequired, InvalidRequest
from ...models import Consent, Notice
from ...uuid7 import uuid7

NOT_PUBLISHED = _("There is no such notice, or a newer version is in force.")


def notice_in_force(notice: Any) -> Notice | None:
    """The notice with that id, which the citizen agreed to; None where none is given and none is needed.

    Raises `ConsentRequired` where CONSENT is "required" and none is given, `InvalidRequest` for an id
    that isn't a published notice's, or whose version was superseded.
    """
    if notice in (None, ""):
        if conf.current().consent == "required":
            raise ConsentRequired
        return None
    found = _published(notice)
    if found is None or found.version != _version_in_force(found):
        raise InvalidRequest(errors={"notice": [str(NOT_PUBLISHED)]})
    return found


def _published(notice: Any) -> Notice | None:
    try:
        id_ = UUID(str(notice))
    except ValueError:
        return None
    return Notice.objects.using(router.db_for_write(Notice)).filter(pk=id_).first()


def _version_in_force(notice: Notice) -> str | None:
    published = Notice.objects.using(router.db_for_write(Notice)).filter(purpose=notice.purpose)
    return published.order_by("-published_at", "-id").values_list("version", flat=True).first()


def give(
    notice: Notice,
    *,
    user: Any,
    origin: audit.Origin,
    verification_id: UUID | None,
    given_at: datetime,
    using: str,
) -> Consent:
    """The user's consent to the notice, within the caller's transaction."""
    values = {
        "id": uuid7(),
        "user_id": user.pk,
        "notice_id": notice.pk,
        "verification_id": verification_id,
        "given_at": given_at,
        "ip_address": origin.ip_address,
    }
    return statements.insert(Consent, values, using)
