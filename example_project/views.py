"""The mini-program's login, and a service that asks for a real name."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from wx_realname import services
from wx_realname.api.parsers import JSONOnly
from wx_realname.api.permissions import RealNameVerified
from wx_realname.api.serializers import CleanTextField
from wx_realname.api.views import RealNameView
from wx_realname.exceptions import ConfigurationError, PermissionDenied
from wx_realname.models import Verification


class AccountDisabled(PermissionDenied):
    words = _("This account was disabled. Please ask the service.")


class LoginSerializer(Serializer[Any]):
    code = CleanTextField(max_length=512)


class Login(RealNameView):
    """POST `{"code"}` from wx.login: a token that expires, for the user whose name is the openid."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    def post(self, request: Request) -> Response:
        code = LoginSerializer().run_validation(request.data)["code"]
        openid = services.login(code=code)
        token = AccessToken.for_user(_user(openid))
        expires_at = datetime.fromtimestamp(token["exp"], timezone.utc)
        return Response({"token": str(token), "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"})


def _user(openid: str) -> Any:
    """The user whose name is the openid. Raises `PermissionDenied` for one who was made inactive."""
    user, _created = get_user_model().objects.get_or_create(
        username=openid, defaults={"password": make_password(None)}
    )
    if user.get_username() != openid:
        raise ConfigurationError(
            "The user table takes openids that differ in case for the same: give its column username "
            "the collation utf8mb4_bin."
        )
    if not user.is_active:
        raise AccountDisabled
    return user


class SocialSecurity(APIView):
    """GET: a citizen's social security, for whoever has proved a real name."""

    permission_classes = (RealNameVerified,)
    content_negotiation_class = JSONOnly

    def get(self, request: Request) -> Response:
        verification = Verification.objects.current_for(request.user)
        insured = verification.real_name_masked if verification else None
        return Response({"service": "social-security", "insured": insured, "balance": "12345.67"})


class Healthz(APIView):
    """GET: whether the site answers and reaches its database."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = JSONOnly

    def get(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return Response({"status": "ok"})
