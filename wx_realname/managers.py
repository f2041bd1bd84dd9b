"""Look-ups of verifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models, router

if TYPE_CHECKING:
    from .models import Verification


def vouched(rows: list[Verification]) -> list[Verification]:
    """The rows that agree with their audit trail; `apps` sets it to the function of `services.trust`."""
    raise RuntimeError("wx_realname is not in INSTALLED_APPS")


class VerificationQuerySet(models.QuerySet["Verification"]):
    def deciding(self) -> VerificationQuerySet:
        """From the write database: a replica may lag behind the last decision."""
        return self.using(router.db_for_write(self.model))

    def of(self, user: Any) -> VerificationQuerySet:
        """The user's own."""
        return self.filter(user_id=user.pk)

    def without_ciphertexts(self) -> VerificationQuerySet:
        """For lists and look-ups that decrypt nothing: fetches masked values only."""
        return self.defer("real_name_encrypted", "credential_id_encrypted", "face_encrypted")

    def current_for(self, user: Any, *, methods: tuple[str, ...] = ()) -> Verification | None:
        """The user's newest verified record, by any method or by these alone, or None.

        A record that contradicts its audit trail counts as none; it is logged, and leaves an event.
        Raises `Misconfigured` where the settings lack a key of it or of its outcome.
        """
        newest = self.newest_verified(user, methods=methods)
        return newest if newest is None or vouched([newest]) else None

    def newest_verified(self, user: Any, *, methods: tuple[str, ...] = ()) -> Verification | None:
        """The same without the comparison: for callers who compare it with the trail themselves."""
        if user is None or user.pk is None:
            return None
        verified = self.deciding().of(user).filter(status=self.model.Status.VERIFIED)
        if methods:
            verified = verified.filter(method__in=methods)
        return verified.order_by("-verified_at", "-id").first()


VerificationManager = models.Manager.from_queryset(VerificationQuerySet)
