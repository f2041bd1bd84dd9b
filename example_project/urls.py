from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/login/", views.Login.as_view()),
    path("api/social-security/", views.SocialSecurity.as_view()),
    path("api/realname/", include("wx_realname.urls")),
    path("healthz", views.healthz),
    *staticfiles_urlpatterns(),  # with DEBUG only
]
