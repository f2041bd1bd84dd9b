"""To describe a call: its answers, and its errors with each body as the API itself would answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from ...exceptions import InvalidRequest, RealNameError, WeChatError, WeChatReply
from ...wechat.errcodes import ERRCODES, Call
from ...wechat.errmsg import TEXTS, reply
from .. import errors
from .bodies import RECORD, RealNameErrorSerializer, RealNameInvalidRequestSerializer

F = TypeVar("F", bound=Callable[..., Any])

#: WeChat ends its words with the id of the request.
RID = "6801f3a2-1c9d2f3b-5e7a0d44"
#: A return code of WeChat's that is documented for none of our calls.
UNDOCUMENTED = 47001
SECONDS = _("Seconds until another try makes sense")


def described_view(view: Any, **calls: Any) -> Any:
    """The view with its calls described by method, which drf-spectacular looks at in its stead.

    The view's docstring, which is in English, is no call's description: a blank one hides it.
    """
    replacement = type(view.__name__, (view,), {"__doc__": " "})
    return extend_schema_view(**calls)(replacement)


def described(
    answers: dict[int, Any],
    *raised: RealNameError | type[RealNameError],
    parameters: Iterable[OpenApiParameter] = (),
    **about: Any,
) -> Callable[[F], F]:
    """`extend_schema` for a call that gives these answers or raises these errors.

    A class stands for its plain error. The words are in the language that is active now: call it in
    `view_replacement`, which drf-spectacular asks anew for each schema.
    """
    instances = [each if isinstance(each, RealNameError) else each() for each in raised]
    return extend_schema(
        responses=answers | _responses(instances),
        parameters=[*parameters, *_headers(instances)],
        **about,
    )


def told_by_wechat(
    classes: Iterable[type[RealNameError]], *calls: Call, recorded: bool = False
) -> list[RealNameError]:
    """One error of each class, with the first return code of these calls that becomes it."""
    record = RECORD if recorded else None
    return [cls(wechat=_said(cls, calls), verification_id=record) for cls in classes]


def empty_body(body: type[Serializer[Any]]) -> RealNameError:
    """The error that `{}` is answered with."""
    try:
        body().run_validation({})
    except ValidationError as error:
        return errors.as_ours(error)
    return InvalidRequest()


def _said(cls: type[RealNameError], calls: Iterable[Call]) -> WeChatReply | None:
    rows = (row for call in calls for row in ERRCODES if row.call == call)
    said = [row.errcode for row in rows if row.code == cls.code]
    said += [UNDOCUMENTED] if cls is WeChatError else []
    return reply(said[0], f"{TEXTS[said[0]]} rid: {RID}", ()) if said else None


def _responses(raised: list[RealNameError]) -> dict[int, OpenApiResponse]:
    status_of = attrgetter("status_code")
    by_status = groupby(sorted(raised, key=status_of), key=status_of)
    return {status: _response(list(same)) for status, same in by_status}


def _response(raised: list[RealNameError]) -> OpenApiResponse:
    invalid = any(isinstance(error, InvalidRequest) for error in raised)
    return OpenApiResponse(
        RealNameInvalidRequestSerializer if invalid else RealNameErrorSerializer,
        description="\n".join(f"- `{error.code}`: {error.words}" for error in raised),
        examples=[OpenApiExample(error.code, error.detail) for error in raised],
    )


def _headers(raised: list[RealNameError]) -> list[OpenApiParameter]:
    """Retry-After where an error of the status says “later”, surely there where they all do."""
    later = {error.status_code for error in raised if error.retry == "later"}
    mixed = {error.status_code for error in raised if error.retry != "later"} & later
    return [
        *(header("Retry-After", SECONDS, int, [status], status not in mixed) for status in later),
        header("WWW-Authenticate", _("How to log in"), str, [401]),
    ]


def header(
    name: str, description: Any, kind: Any, statuses: list[int] | bool, required: bool = True
) -> OpenApiParameter:
    """A header of the answers with these statuses; True: of all answers."""
    return OpenApiParameter(
        name,
        kind,
        OpenApiParameter.HEADER,
        description=description,
        required=required,
        response=statuses,
    )
