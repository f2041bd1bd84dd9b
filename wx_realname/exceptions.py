"""Every error that users see: one class for each code of the REST interface, in one table.

A class has everything about its code: the HTTP status, what the caller should do next, the record's
status, and the text. None of them ever carries a name, an ID number, a
token or a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypedDict
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

_NOT_AN_OBJECT = _("The body must be a JSON object in UTF-8.")

Retry = Literal["no", "later", "reauthorize"]
Outcome = Literal["rejected", "failed", "unknown"]


class ConfigurationError(ImproperlyConfigured):
    """A setting, key or certificate is wrong. The message names it and the remedy."""


class DecryptionError(Exception):
    """A stored value can't be opened: unknown key, altered, moved from another row, or plain."""


class WeChatReply(TypedDict):
    """WeChat's refusal: return code, errmsg, and the hint (or rid) that WeChat's support asks for."""

    errcode: int
    errmsg: str
    hint: str | None


class RealNameError(APIException):
    """The base of all errors with a code.

    `.code`, `.retry`, `.wechat`, `.verification_id` as in the REST interface; `.in_doubt` says
    that the auth_token may have been consumed although the code alone doesn't say so. `.reason`
    is for operators: why no answer came. To Django REST framework it is an APIException: a host's
    own view answers by its code without a handler of this package.
    """

    code: ClassVar[str]
    status_code: int
    retry: ClassVar[Retry] = "no"
    retry_after: int | None = None  # seconds
    outcome: ClassVar[Outcome | None] = None  # the status that it gives a record
    words: ClassVar[str | Promise]
    reached = False  # whether the call itself, not that for its access_token, came to WeChat

    def __init__(
        self,
        *,
        wechat: WeChatReply | None = None,
        verification_id: UUID | None = None,
        errors: Mapping[str, list[Any]] | None = None,
        retry_after: int | None = None,
        in_doubt: bool = False,
        reason: str = "",
    ) -> None:
        # Not APIException's, which would put its own words into `detail`; and without arguments:
        # pickle would hand them back to this __init__.
        Exception.__init__(self)
        self.wechat = wechat
        self.verification_id = verification_id
        self.errors = errors
        self.reason = reason
        self.in_doubt = in_doubt or self.outcome == "unknown"
        if retry_after is not None:
            self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code} (errcode {self.wechat['errcode']})" if self.wechat else self.code

    @property
    def detail(self) -> dict[str, Any]:  # type: ignore[override]
        """The error's JSON, in the language that is active."""
        return {
            "code": self.code,
            "detail": str(self.words),
            "verification": self.verification_id and str(self.verification_id),
            "wechat": self.wechat,
            "retry": self.retry,
        }

    def get_codes(self) -> str:
        """The code, as of any APIException."""
        return self.code

    def get_full_details(self) -> dict[str, Any]:
        """Code and message, as of any APIException."""
        return {"message": str(self.words), "code": self.code}

    @property
    def wait(self) -> int | None:
        """Seconds, which Django REST framework's own handler puts into `Retry-After`."""
        return self.retry_after if self.retry == "later" else None


class InvalidRequest(RealNameError):
    code, status_code = "invalid", 400
    words = _("The request is not valid; see “errors” for the fields.")

    def __str__(self) -> str:
        return f"{self.code}: {', '.join(self.errors)}" if self.errors else self.code

    @property
    def detail(self) -> dict[str, Any]:  # type: ignore[override]
        errors = self.errors or {"non_field_errors": [str(_NOT_AN_OBJECT)]}
        return {**super().detail, "errors": errors}


class NotAuthenticated(RealNameError):
    code, status_code = "not_authenticated", 401
    words = _("Please log in first.")


class PermissionDenied(RealNameError):
    code, status_code = "permission_denied", 403
    words = _("You are not allowed to do this.")


class RealNameRequired(PermissionDenied):
    code = "real_name_required"
    words = _("This service needs your real name. Please verify it first.")


class TooYoung(PermissionDenied):
    code = "too_young"
    words = _("You are not old enough for this service, or your age is not known.")


class ConsentRequired(PermissionDenied):
    code = "consent_required"
    words = _("This service needs your consent first.")


class ReauthenticationRequired(PermissionDenied):
    code = "reauthentication_required"
    words = _("Please log in again to see your own data.")


class NotFound(RealNameError):
    code, status_code = "not_found", 404
    words = _("There is nothing here.")


class MethodNotAllowed(RealNameError):
    code, status_code = "method_not_allowed", 405
    words = _("This method is not offered here.")


class UnsupportedMediaType(RealNameError):
    code, status_code = "unsupported_media_type", 415
    words = _("Send the body as application/json.")


class InternalError(RealNameError):
    code, status_code = "internal_error", 500
    words = _("An internal error occurred.")


class NoWeChatPay(RealNameError):
    code, status_code, outcome = "no_wechat_pay", 422, "rejected"
    words = _("This WeChat user has no WeChat Pay account.")


class NoRealName(RealNameError):
    code, status_code, outcome = "no_real_name", 422, "rejected"
    words = _(
        "WeChat Pay has no real-name information for this user. "
        "Identity documents other than the resident ID card are not offered by WeChat."
    )


class Mismatch(RealNameError):
    code, status_code, outcome, retry = "mismatch", 422, "rejected", "reauthorize"
    words = _("Name and ID number don't belong to this WeChat user. Please check both.")


class InvalidAuthToken(RealNameError):
    code, status_code, outcome, retry = "invalid_auth_token", 422, "rejected", "reauthorize"
    words = _("WeChat does not accept this authorization. Please authorize again.")


class AuthTokenInUse(RealNameError):
    code, status_code, retry = "auth_token_in_use", 409, "reauthorize"
    words = _("This authorization was already used elsewhere. Please authorize again.")


class OtherMerchant(RealNameError):
    code, status_code, retry = "other_merchant", 409, "reauthorize"
    words = _("This authorization was given to another service. Please authorize again.")


class Minor(RealNameError):
    code, status_code, outcome = "minor", 422, "rejected"
    words = _("This service is not offered to children under 14.")


class FaceUnclear(RealNameError):
    code, status_code, outcome, retry = "face_unclear", 422, "failed", "reauthorize"
    words = _("Your face could not be recognized. Please try again in good light.")


class FaceCancelled(RealNameError):
    code, status_code, outcome, retry = "face_cancelled", 422, "failed", "reauthorize"
    words = _("You cancelled the face verification. You can begin it again.")


class FaceUnsupported(RealNameError):
    code, status_code, outcome = "face_unsupported", 422, "failed"
    words = _(
        "This device cannot verify your face. Please use another way; or allow WeChat to use "
        "camera and microphone in the phone's settings, and try again."
    )


class FaceNotFinished(RealNameError):
    code, status_code, retry = "face_not_finished", 409, "later"
    retry_after = 2
    words = _("The face verification is not finished yet.")


class FaceExpired(RealNameError):
    code, status_code, outcome, retry = "face_expired", 422, "unknown", "reauthorize"
    words = _("The time for this face verification is over. Please begin it again.")


class ExchangeInProgress(RealNameError):
    code, status_code, retry = "exchange_in_progress", 409, "later"
    retry_after = 2
    words = _("This authorization is being processed. Please try again in a moment.")


class Throttled(RealNameError):
    code, status_code, retry = "throttled", 429, "later"
    retry_after = 60
    words = _("Too many requests. Please try again later.")


class Misconfigured(RealNameError):
    code, status_code, outcome = "misconfigured", 503, "failed"
    words = _("The service is not configured correctly. Its operator has to act.")


class WeChatBusy(RealNameError):
    code, status_code, outcome, retry = "wechat_busy", 503, "failed", "later"
    retry_after = 5
    words = _("WeChat is busy. Please try again later.")


class QuotaExhausted(RealNameError):
    code, status_code, outcome, retry = "quota_exhausted", 503, "failed", "later"
    retry_after = 60
    words = _("WeChat's quota is used up. Please try again later.")


class WeChatUnreachable(RealNameError):
    code, status_code, outcome, retry = "wechat_unreachable", 503, "failed", "later"
    retry_after = 5
    words = _("WeChat could not be reached. Please try again later.")


class OutcomeUnknown(RealNameError):
    code, status_code, outcome, retry = "outcome_unknown", 504, "unknown", "reauthorize"
    words = _("The outcome at WeChat is not known. Please authorize again.")


class UnreadableAnswer(RealNameError):
    code, status_code, outcome, retry = "unreadable_answer", 502, "unknown", "reauthorize"
    words = _("WeChat's answer could not be read. Please authorize again.")


class WeChatError(RealNameError):
    code, status_code, outcome = "wechat_error", 502, "failed"
    words = _("WeChat answered with an error.")


class InvalidCode(RealNameError):
    code, status_code, outcome, retry = "invalid_code", 422, "rejected", "reauthorize"
    words = _("WeChat does not accept this code. Please ask for a new one.")


def _tree(base: type[RealNameError]) -> list[type[RealNameError]]:
    return [cls for direct in base.__subclasses__() for cls in (direct, *_tree(direct))]


#: Every error class by its code: what the API, the record's stored code and the docs read.
BY_CODE: Mapping[str, type[RealNameError]] = {cls.code: cls for cls in _tree(RealNameError)}
