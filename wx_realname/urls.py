"""`path("api/realname/", include("wx_realname.urls"))`"""

from django.urls import path, re_path

from .api import rights, views

app_name = "wx_realname"

urlpatterns = [
    path("verifications/", views.Verifications.as_view(), name="verifications"),
    path("verifications/current/", views.CurrentVerification.as_view(), name="current"),
    path("verifications/<uuid:pk>/", views.VerificationDetail.as_view(), name="verification"),
    path("categories/", views.Categories.as_view(), name="categories"),
    path("checks/", views.Checks.as_view(), name="checks"),
    path("faces/", views.Faces.as_view(), name="faces"),
    path("faces/<uuid:pk>/result/", views.FaceResult.as_view(), name="face-result"),
    path("verifications/<uuid:pk>/accesses/", rights.Accesses.as_view(), name="accesses"),
    path("verifications/<uuid:pk>/copy/", rights.OwnCopy.as_view(), name="copy"),
    path("notices/<str:purpose>/", rights.NoticeInForce.as_view(), name="notice"),
    path("consents/", rights.Consents.as_view(), name="consents"),
    path("consents/<uuid:pk>/withdraw/", rights.Withdrawal.as_view(), name="withdrawal"),
    # Every other path below the prefix is a 404 in the API's error format.
    re_path(r"^[\s\S]*$", views.Nothing.as_view(), name="nothing"),
]
