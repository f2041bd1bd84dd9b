"""Where the mini-program logs in."""

# [urls]
from django.urls import include, path

from .login import Login

urlpatterns = [
    path("api/login/", Login.as_view()),
    path("api/realname/", include("wx_realname.urls")),
]
# [end]
