"""The error table: one class a code, and nothing in it but the code."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.cases import each
from wx_realname import exceptions
from wx_realname.api.errors import exception_handler
from wx_realname.exceptions import BY_CODE, ConfigurationError, RealNameError, WeChatReply
from wx_realname.models import Verification

ROW = UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
REPLY = WeChatReply(errcode=94005, errmsg="invalid user token hint: [YIJ9Ia03331961]", hint="YIJ9")

#: code, HTTP status, what to do next, and the status that it gives a record.
TABLE = [
    ("invalid", 400, "no", None),
    ("not_authenticated", 401, "no", None),
    ("permission_denied", 403, "no", None),
    ("real_name_required", 403, "no", None),
    ("too_young", 403, "no", None),
    ("not_found", 404, "no", None),
    ("method_not_allowed", 405, "no", None),
    ("unsupported_media_type", 415, "no", None),
    ("internal_error", 500, "no", None),
    ("no_wechat_pay", 422, "no", "rejected"),
    ("no_real_name", 422, "no", "rejected"),
    ("invalid_auth_token", 422, "reauthorize", "rejected"),
    ("auth_token_in_use", 409, "reauthorize", None),
    ("exchange_in_progress", 409, "later", None),
    ("throttled", 429, "later", None),
    ("misconfigured", 503, "no", "failed"),
    ("wechat_busy", 503, "later", "failed"),
    ("quota_exhausted", 503, "later", "failed"),
    ("wechat_unreachable", 503, "later", "failed"),
    ("outcome_unknown", 504, "reauthorize", "unknown"),
    ("unreadable_answer", 502, "reauthorize", "unknown"),
    ("wechat_error", 502, "no", "failed"),
    ("invalid_code", 422, "reauthorize", "rejected"),
]


@each(("code", "status_code", "retry", "outcome"), TABLE)
def test_a_code_says_what_the_interface_says(
    code: str, status_code: int, retry: str, outcome: str | None
) -> None:
    error = BY_CODE[code]()
    assert (error.code, error.status_code, error.retry) == (code, status_code, retry)
    assert error.outcome == outcome


def test_every_class_has_a_code_of_its_own() -> None:
    classes = [
        cls
        for cls in vars(exceptions).values()
        if isinstance(cls, type) and issubclass(cls, RealNameError) and cls is not RealNameError
    ]
    assert sorted(BY_CODE) == sorted(cls.code for cls in classes)
    assert set(BY_CODE.values()) == set(classes)


@each("cls", BY_CODE.values())
def test_each_says_when_and_what_the_record_becomes(cls: type[RealNameError]) -> None:
    assert re.fullmatch(r"[^%]+\.", str(cls.words))
    assert (cls().retry_after is not None) is (cls.retry == "later")
    assert cls(retry_after=17).retry_after == 17
    assert cls.outcome in (None, "rejected", "failed", "unknown")
    assert cls.outcome is None or cls.outcome in Verification.Status.values
    assert cls().in_doubt is (cls.outcome == "unknown")
    assert cls(in_doubt=True).in_doubt
    assert len(cls.code) <= (Verification._meta.get_field("error_code").max_length or 0)


def everything(cls: type[RealNameError]) -> RealNameError:
    errors: dict[str, list[Any]] = {"auth_token": ["This must not be empty."]}
    return cls(wechat=REPLY, verification_id=ROW, errors=errors, retry_after=3, in_doubt=True)


@each("cls", BY_CODE.values())
def test_an_error_shows_its_code_and_nothing_that_came_from_outside(
    cls: type[RealNameError],
) -> None:
    assert str(cls()) == cls.code
    wanted = (
        "invalid: auth_token" if cls is exceptions.InvalidRequest else f"{cls.code} (errcode 94005)"
    )
    assert str(everything(cls)) == wanted
    assert "hint" not in repr(everything(cls))


@each("cls", BY_CODE.values())
def test_an_error_survives_the_way_to_another_process(cls: type[RealNameError]) -> None:
    """A host calls the services in its task queue: what can't be unpickled breaks the worker."""
    for copied in (pickle.loads(pickle.dumps(everything(cls))), copy.copy(everything(cls))):  # noqa: S301
        assert type(copied) is cls
        assert vars(copied) == vars(everything(cls))
        assert str(copied) == str(everything(cls))


def test_a_wrong_setting_is_no_error_of_the_table() -> None:
    """So that no `except RealNameError` swallows it."""
    assert not issubclass(ConfigurationError, RealNameError)
    assert issubclass(ConfigurationError, ImproperlyConfigured)
    assert not issubclass(exceptions.DecryptionError, (RealNameError, ImproperlyConfigured))


def test_who_catches_a_refusal_catches_its_kinds() -> None:
    for code in ("real_name_required", "too_young"):
        assert issubclass(BY_CODE[code], exceptions.PermissionDenied)


class HostsView(APIView):
    """A host's own view, which has DRF's handler and none of ours."""

    authentication_classes = ()
    permission_classes = ()
    error: RealNameError | None = None

    def get(self, request: Any) -> None:
        assert self.error is not None
        raise self.error


@each("cls", BY_CODE.values())
def test_in_a_hosts_own_view_an_error_answers_by_its_code(cls: type[RealNameError]) -> None:
    response = HostsView.as_view(error=everything(cls))(APIRequestFactory().get("/"))
    assert response.status_code == cls.status_code
    assert response.data == exception_handler(everything(cls), {}).data
    assert response.data["code"] == cls.code and response.data["verification"] == str(ROW)
    assert response.get("Retry-After") == ("3" if cls.retry == "later" else None)
    assert cls().get_codes() == cls.code  # as a host's handler may ask of any APIException
    assert cls().get_full_details() == {"message": str(cls.words), "code": cls.code}
