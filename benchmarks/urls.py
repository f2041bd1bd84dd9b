from django.urls import include, path
from rest_framework_simplejwt.authentication import JWTAuthentication

from wx_realname.api.views import Verifications

from . import ways

urlpatterns = [
    path("api/realname/", include("wx_realname.urls")),
    path("looked-up/", Verifications.as_view(authentication_classes=[JWTAuthentication])),
    path("cpu/", ways.cpu),
    *(path(f"{way.name}/", way.as_view()) for way in ways.ALL),
]
