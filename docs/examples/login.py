"""The mini-program's login: the code of wx.login for a token of yours."""

# [view]
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework_simplejwt.tokens import AccessToken

from wx_realname import services
from wx_realname.api.serializers import CleanTextField
from wx_realname.api.views import RealNameView
from wx_realname.exceptions import PermissionDenied


class AccountDisabled(PermissionDenied):
    words = _("This account was disabled. Please ask the service.")


class LoginSerializer(Serializer):
    code = CleanTextField(max_length=512)


class Login(RealNameView):
    authentication_classes = permission_classes = throttle_classes = ()

    def post(self, request):
        code = LoginSerializer().run_validation(request.data)["code"]
        openid = services.login(code=code)
        user, _created = get_user_model().objects.get_or_create(
            username=openid, defaults={"password": make_password(None)}
        )
        if not user.is_active:
            raise AccountDisabled  # else every call after it would be a 401
        if user.get_username() != openid:
            raise PermissionDenied  # on MySQL and MariaDB: openids that differ in case only
        return Response({"token": str(AccessToken.for_user(user))})


# [end]
