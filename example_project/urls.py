from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

from . import metrics, openapi, views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/login/", views.Login.as_view()),
    path("api/social-security/", views.SocialSecurity.as_view()),
    path("api/realname/", include("wx_realname.urls")),
    path("api/schema/", openapi.Schema.as_view(), name="schema"),
    path("api/docs/", openapi.Docs.as_view(), name="docs"),
    path("healthz", views.Healthz.as_view()),
    *metrics.urlpatterns(),
    path("", include("example_project.simulator.urls")),
    *staticfiles_urlpatterns(),  # with DEBUG only
]
