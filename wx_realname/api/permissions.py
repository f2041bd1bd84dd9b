"""Permissions for the host's own views: a verified record, a consent, a minimum age."""

from __future__ import annotations

import logging
from typing import Any

from rest_framework.permissions import BasePermission

from .. import exceptions, resident_id
from ..audit import Origin
from ..exceptions import DecryptionError, RealNameError
from ..models import Verification
from ..services import trust
from ..services.rights.consent import has_consent
from ..services.rights.service_use import note_use

logger = logging.getLogger(__name__)


class RealNameVerified(BasePermission):
    """Requires a verified record; otherwise 403 `real_name_required`.

    Accepts any method; `RealNameVerified.by("face", "authorize")` accepts only those.
    """

    message: Any = None
    code: str | None = None
    methods: tuple[str, ...] = ()
    of_purpose: str | None = None

    @classmethod
    def by(cls, *methods: str) -> type[RealNameVerified]:
        """The same for records of these methods: "authorize" (the button), "face", "check"."""
        known = Verification.Method.values
        if not methods or not set(methods) <= set(known):
            raise ValueError(f"methods must be among: {', '.join(known)}")
        name = "Or".join(method.title() for method in methods)
        return type(f"{cls.__name__}By{name}", (cls,), {"methods": methods})

    @classmethod
    def purpose(cls, purpose: str) -> type[RealNameVerified]:
        """Any verified record, and a consent to this purpose that wasn't withdrawn: no new verification.

        Without the consent 403 `consent_required`. The first use of each day leaves an audit event.
        """
        if not purpose:
            raise ValueError("purpose must be the purpose of a notice")
        return type(f"{cls.__name__}For{purpose.title()}", (cls,), {"of_purpose": purpose})

    def has_permission(self, request: Any, view: Any) -> bool:
        verification = Verification.objects.newest_verified(request.user, methods=self.methods)
        if verification is None or not trust.vouched([verification], Origin.of(None, request)):
            return self.refuse(exceptions.RealNameRequired)
        if self.of_purpose is not None:
            if not has_consent(request.user, self.of_purpose):
                return self.refuse(exceptions.ConsentRequired)
            note_use(request.user, self.of_purpose, verification, request)
        return self.accepts(verification)

    def accepts(self, verification: Verification) -> bool:
        return True

    def refuse(self, error: type[RealNameError]) -> bool:
        """False, with what DRF's own handler shows: `{"code", "detail", "retry"}`."""
        self.code = error.code
        self.message = {"code": error.code, "detail": str(error.words), "retry": error.retry}
        return False


class _OldEnough(RealNameVerified):
    years = 0

    def accepts(self, verification: Verification) -> bool:
        age = _age(verification)
        return (age is not None and age >= self.years) or self.refuse(exceptions.TooYoung)


#: Every age in use: a system check warns when STORAGE keeps no birth date.
ages_in_use: set[int] = set()


def MinimumAge(years: int) -> type[BasePermission]:  # noqa: N802 - reads as the class that it makes
    """A permission for users who are verified and at least that old, by the ID number's birth date in China.

    Others get 403 `too_young` (or `real_name_required`); so do users without a birth date in the record.
    """
    if type(years) is not int or not 0 < years < 150:
        raise ValueError("MinimumAge takes a number of years from 1 to 149")
    ages_in_use.add(years)
    return type(f"MinimumAge{years}", (_OldEnough,), {"years": years, "__module__": __name__})


def _age(verification: Verification) -> int | None:
    try:
        personal_data = verification.personal_data()
    except DecryptionError as error:
        logger.error("%s: %s", verification.pk, error)
        return None
    return resident_id.age_of(personal_data.credential_id) if personal_data else None
