"""One class for each view: request, answers and errors of its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.serializers import Serializer

from ... import exceptions as ours
from ...exceptions import BY_CODE, RealNameError
from ...models import Verification
from ...services.clients import UNKNOWN
from ..serializers import NO_SUCH_STATUS
from .bodies import (
    RECORD,
    RealNameBegunFaceSerializer,
    RealNameCheckSerializer,
    RealNameExchangeSerializer,
    RealNameFaceSerializer,
    RealNameRecordSerializer,
    WeChatCategoriesSerializer,
)
from .describing import described, described_view, empty_body, header, told_by_wechat

Classes = tuple[type[RealNameError], ...]

#: What every call may answer; 405 is that of the other methods on its path.
EVERY_CALL = (
    ours.NotAuthenticated,
    ours.PermissionDenied,
    ours.MethodNotAllowed,
    ours.InternalError,
)
#: Verdicts on a face.
OF_A_VERDICT: Classes = (
    ours.FaceUnclear,
    ours.FaceCancelled,
    ours.FaceUnsupported,
    ours.FaceNotFinished,
    ours.FaceExpired,
)
#: What becomes of an attempt at WeChat is in the record; `Mismatch` and `InvalidCode` are a check's.
OF_A_CHECK = tuple(cls for cls in BY_CODE.values() if cls.outcome and cls not in OF_A_VERDICT)
OF_AN_EXCHANGE = tuple(cls for cls in OF_A_CHECK if cls not in (ours.Mismatch, ours.InvalidCode))
#: A question that leaves no record.
OF_A_QUESTION = tuple(cls for cls in OF_A_CHECK if cls.outcome == "failed")
OF_A_BEGIN: Classes = (ours.Mismatch, ours.Minor, *OF_A_QUESTION)
OF_A_RESULT: Classes = (ours.Mismatch, ours.NoRealName, ours.Minor, *OF_A_VERDICT, *OF_A_QUESTION)
NO_STORE = {"type": "string", "enum": ["no-store"]}


class OurView(OpenApiViewExtension):
    """Subclasses match too: a host's own, and the replacement, which stays for a moment on the URL's
    callback, where another thread that makes the schema may meet it.
    """

    match_subclasses = True


class Verifications(OurView):
    target_class = "wx_realname.api.views.Verifications"

    def view_replacement(self) -> Any:
        status = OpenApiParameter(
            "status",
            enum=Verification.Status.values,
            description=_(
                "Only records of that status; “waiting” finds what a restarted phone lost"
            ),
        )
        get = call(
            {200: RealNameRecordSerializer(many=True)},
            ours.NotFound,  # a cursor that isn't one
            ours.InvalidRequest(errors={"status": [str(NO_SUCH_STATUS)]}),
            parameters=[status],
            summary=_("The caller's own records, newest first"),
        )
        post = _attempt(
            RealNameExchangeSerializer,
            told_by_wechat(OF_AN_EXCHANGE, "api", "token", recorded=True),
            summary=_("Exchange an auth_token for the citizen's real name"),
            description=_(
                "The auth_token comes from WeChat's button and serves once. Posted again by the same user "
                "it gives the same record, and WeChat isn't asked; after “failed” and “unknown” WeChat is "
                "asked again. “retry” says what to do after an error."
            ),
        )
        return described_view(self.target, get=get, post=post)


class CurrentVerification(OurView):
    target_class = "wx_realname.api.views.CurrentVerification"

    def view_replacement(self) -> Any:
        summary = _("The caller's newest verified record")
        return described_view(
            self.target, get=call({200: _record()}, ours.NotFound, summary=summary)
        )


class VerificationDetail(OurView):
    target_class = "wx_realname.api.views.VerificationDetail"

    def view_replacement(self) -> Any:
        summary = _("One of the caller's own records")
        get = call({200: _record()}, ours.NotFound, summary=summary)
        delete = call(
            {204: OpenApiResponse(description=_("Erased, now or before"))},
            ours.NotFound,
            ours.ExchangeInProgress(verification_id=RECORD),
            summary=_("Erase the personal data"),
            description=_(
                "Consent is withdrawn: name and number are erased for good; the record and the audit trail "
                "stay."
            ),
        )
        return described_view(self.target, get=get, delete=delete)


class Categories(OurView):
    target_class = "wx_realname.api.views.Categories"

    def view_replacement(self) -> Any:
        merchant = OpenApiParameter("merchant", description=_("An alias; “default” unless given"))
        get = call(
            {200: WeChatCategoriesSerializer},
            ours.InvalidRequest(errors={"merchant": [str(UNKNOWN)]}),
            *told_by_wechat(OF_A_QUESTION, "token"),
            parameters=[merchant],
            summary=_("The mini-program's categories, and the one of the button"),
            description=_("WeChat's list, cached an hour."),
        )
        return described_view(self.target, get=get)


class Checks(OurView):
    target_class = "wx_realname.api.views.Checks"

    def view_replacement(self) -> Any:
        post = _attempt(
            RealNameCheckSerializer,
            told_by_wechat(OF_A_CHECK, "check", "api", "token", recorded=True),
            summary=_("Check a name and an ID number"),
            description=_(
                "The successor of the exchange: WeChat says whether both are those of the caller's WeChat "
                "Pay account. The code serves once; posted again with the same name and number it gives "
                "the same record."
            ),
        )
        return described_view(self.target, post=post)


class Faces(OurView):
    target_class = "wx_realname.api.views.Faces"

    def view_replacement(self) -> Any:
        def begun(description: Any) -> OpenApiResponse:
            return OpenApiResponse(RealNameBegunFaceSerializer, description=description)

        post = call(
            {
                201: begun(_("Begun just now")),
                200: begun(_("Erased: the consent was withdrawn while WeChat was asked")),
            },
            empty_body(RealNameFaceSerializer),
            ours.UnsupportedMediaType,
            ours.ConsentRequired,
            ours.Throttled,
            *told_by_wechat(OF_A_BEGIN, "getverifyid", "api", "token", recorded=True),
            request=RealNameFaceSerializer,
            parameters=[header("Location", _("The address of the record"), str, [201])],
            summary=_("Begin a face verification"),
            description=_(
                "For the caller's own openid. The mini-program hands the verify_id to "
                "wx.requestFacialVerify, then asks for the result, whatever the phone reports. A second "
                "begin is a second record."
            ),
        )
        return described_view(self.target, post=post)


class FaceResult(OurView):
    target_class = "wx_realname.api.views.FaceResult"

    def view_replacement(self) -> Any:
        post = call(
            {200: _record()},
            ours.NotFound,
            ours.ExchangeInProgress(verification_id=RECORD),
            ours.Throttled,
            *told_by_wechat(OF_A_RESULT, "queryverifyinfo", "api", "token", recorded=True),
            request=None,
            summary=_("Ask WeChat how a face verification ended"),
            description=_(
                "Without a body. A record that has ended answers with how it ended; until then the call may "
                "be repeated."
            ),
        )
        return described_view(self.target, post=post)


def _attempt(body: type[Serializer[Any]], ends: list[RealNameError], **about: Any) -> Any:
    """A call that leaves a record of what WeChat said."""
    return call(
        {
            201: _record(_("Verified just now")),
            200: _record(_("Verified before: the same record")),
        },
        empty_body(body),
        ours.UnsupportedMediaType,
        ours.ConsentRequired,
        ours.AuthTokenInUse,
        ours.OtherMerchant,
        ours.ExchangeInProgress(verification_id=RECORD),
        ours.Throttled,
        *ends,
        request=body,
        parameters=[header("Location", _("The address of the record"), str, [201])],
        **about,
    )


def call(
    answers: dict[int, Any], *raised: Any, parameters: Any = (), **about: Any
) -> Callable[..., Any]:
    """One call; what all calls share is added."""
    never_kept = header("Cache-Control", _("Answers must not be cached"), NO_STORE, True)
    return described(answers, *EVERY_CALL, *raised, parameters=[*parameters, never_kept], **about)


def _record(description: Any = "") -> OpenApiResponse:
    return OpenApiResponse(RealNameRecordSerializer, description=description)
