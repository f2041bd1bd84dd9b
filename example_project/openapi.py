"""The example's OpenAPI schema and its page; how the example's own calls are described."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import inline_serializer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.serializers import CharField, DateTimeField

from wx_realname import exceptions
from wx_realname.api.schema import described, described_view, empty_body, told_by_wechat

from .views import LoginSerializer

#: Swagger UI draws its icons from data: addresses; all else is a file of ours.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: The errors of a login; `PermissionDenied` is 40226, by which WeChat blocks a user.
OF_A_LOGIN = (
    exceptions.InvalidCode,
    exceptions.WeChatBusy,
    exceptions.WeChatUnreachable,
    exceptions.WeChatError,
    exceptions.QuotaExhausted,
    exceptions.Misconfigured,
    exceptions.PermissionDenied,
)


class WhateverIsAccepted:
    """An Accept that fits nothing gets the first form: our errors have no code for 406."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # type: ignore[misc]


class Schema(WhateverIsAccepted, SpectacularAPIView):
    """The schema, in the language of the request or of `?lang=`."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.query_params.get("lang", "en") not in dict(settings.LANGUAGES):
            raise exceptions.NotFound  # Django would keep a catalogue for every name it is given


class Docs(WhateverIsAccepted, SpectacularSwaggerSplitView):
    """Swagger UI from the sidecar, with no script or style in the page itself."""

    template_name = "example_project/docs.html"
    title = "wx_realname"

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Content-Security-Policy": POLICY}


class Login(OpenApiViewExtension):
    target_class = "example_project.views.Login"
    match_subclasses = True

    def view_replacement(self) -> Any:
        answer = inline_serializer(
            "LoginToken", {"token": CharField(), "expires_at": DateTimeField()}
        )
        post = described(
            {200: answer},
            empty_body(LoginSerializer),
            exceptions.UnsupportedMediaType,
            exceptions.MethodNotAllowed,
            exceptions.InternalError,
            *told_by_wechat(OF_A_LOGIN, "login"),
            request=LoginSerializer,
            summary=_("Log in with the code of wx.login"),
            description=_(
                "The token goes into the header of every other call: Authorization: Bearer"
            ),
        )
        return described_view(self.target, post=post)


class SocialSecurity(OpenApiViewExtension):
    target_class = "example_project.views.SocialSecurity"
    match_subclasses = True

    def view_replacement(self) -> Any:
        answer = inline_serializer(
            "SocialSecurity",
            {
                "service": CharField(),
                "insured": CharField(allow_null=True),
                "balance": CharField(),
            },
        )
        get = described(
            {200: answer},
            exceptions.NotAuthenticated,
            exceptions.RealNameRequired,
            exceptions.MethodNotAllowed,
            exceptions.InternalError,
            summary=_("A service that asks for a real name"),
        )
        return described_view(self.target, get=get)


class Healthz(OpenApiViewExtension):
    target_class = "example_project.views.Healthz"
    match_subclasses = True

    def view_replacement(self) -> Any:
        get = described(
            {200: inline_serializer("Health", {"status": CharField()})},
            exceptions.MethodNotAllowed,
            exceptions.InternalError,
            summary=_("Whether the site answers and reaches its database"),
        )
        return described_view(self.target, get=get)
