"""Every error as the interface shapes it: `{"code", "detail", "verification", "wechat", "retry"}`."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import OperationalError, ProgrammingError
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework import status
from rest_framework.response import Response

from .. import exceptions as ours

logger = logging.getLogger(__name__)

_NOT_OUR_HOST = _("The Host header names no host of this site.")
_CSRF_MISSING = _(
    "CSRF token missing: with a login by session, every request that changes something has to send it."
)
_CSRF_WRONG = _("CSRF check failed: the token, Origin or Referer isn't of this site.")

#: DRF's and Django's exceptions by the error code that they become.
_FROM_DRF: tuple[tuple[type[Exception], type[ours.RealNameError]], ...] = (
    (drf.NotAuthenticated, ours.NotAuthenticated),
    (drf.AuthenticationFailed, ours.NotAuthenticated),
    (drf.PermissionDenied, ours.PermissionDenied),
    (DjangoPermissionDenied, ours.PermissionDenied),
    (drf.NotFound, ours.NotFound),
    (Http404, ours.NotFound),
    (drf.MethodNotAllowed, ours.MethodNotAllowed),
    (drf.UnsupportedMediaType, ours.UnsupportedMediaType),
    (drf.ParseError, ours.InvalidRequest),
    (SuspiciousOperation, ours.InvalidRequest),
    (UnreadablePostError, ours.InvalidRequest),
)


class _CSRFFailed(ours.PermissionDenied):
    """What DRF's login by session refuses, which the caller can mend."""

    def __init__(self, exc: drf.PermissionDenied) -> None:
        super().__init__()
        missing = any(word in str(exc.detail) for word in ("missing", "not set"))
        self.words = _CSRF_MISSING if missing else _CSRF_WRONG  # type: ignore[misc]


class _HostsOwn(ours.RealNameError):
    """A refusal by the host's own permission, with the host's text."""

    def __init__(self, exc: drf.APIException) -> None:
        super().__init__()
        plain = not isinstance(exc.detail, (list, dict))
        self.code = str(exc.get_codes() if plain else exc.default_code)  # type: ignore[misc]
        self.status_code = exc.status_code
        self.words = str(exc.detail if plain else exc.default_detail)  # type: ignore[misc]


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """For DRF's EXCEPTION_HANDLER: every exception in this package's format, returned, never raised again.

    DRF's own handler marks the transaction for rollback; ours doesn't, so a host's TestCase stays
    usable and what was recorded stays recorded.
    """
    error = as_ours(exc)
    headers = {"Cache-Control": "no-store"}
    if error.retry == "later":
        headers["Retry-After"] = str(error.retry_after)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", None) or "Session"
    return Response(error.detail, status=error.status_code, headers=headers)


def as_ours(exc: Exception) -> ours.RealNameError:
    """The error of this package for an exception."""
    if isinstance(exc, ours.RealNameError):
        return exc
    if isinstance(exc, drf.ValidationError):
        return ours.InvalidRequest(errors=_fields(exc.detail))
    if isinstance(exc, drf.Throttled):
        return ours.Throttled(retry_after=max(1, int(getattr(exc, "wait", None) or 1)))
    if isinstance(exc, ours.ConfigurationError):
        logger.error("%s", exc)
        return ours.Misconfigured()
    if isinstance(exc, DisallowedHost):
        return ours.InvalidRequest(errors={"non_field_errors": [str(_NOT_OUR_HOST)]})
    if isinstance(exc, drf.PermissionDenied) and isinstance(exc.detail, dict):
        # RealNameVerified and MinimumAge name their error code.
        return ours.BY_CODE.get(str(exc.detail.get("code")), ours.PermissionDenied)()
    if isinstance(exc, drf.PermissionDenied) and str(exc.detail).startswith("CSRF Failed"):
        return _CSRFFailed(exc)
    if isinstance(exc, drf.PermissionDenied) and exc.detail != drf.PermissionDenied().detail:
        return _HostsOwn(exc)
    for theirs, cls in _FROM_DRF:
        if isinstance(exc, theirs):
            return cls()
    if isinstance(exc, drf.APIException) and status.is_client_error(exc.status_code):
        return _HostsOwn(exc)
    _log(exc)
    return ours.InternalError()


def _fields(detail: Any) -> dict[str, list[Any]]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


def _log(exc: Exception) -> None:
    """Where it happened, without the words and local variables, which may hold anything.

    The database's complaints about tables and connections are the exception: they name no values.
    """
    known = isinstance(exc, (OperationalError, ProgrammingError)) and str(exc)
    words = f": {str(exc).splitlines()[0]}" if known else ""  # the lines below quote the statement
    places = traceback.extract_tb(exc.__traceback__)
    where = " < ".join(
        f"{place.filename}:{place.lineno} {place.name}" for place in reversed(places)
    )
    logger.error("unexpected %s%s at %s", type(exc).__qualname__, words, where)
