"""`path("api/realname/", include("wx_realname.urls"))`"""

from django.urls import path, re_path

from .api import views

app_name = "wx_realname"

urlpatterns = [
    path("verifications/", views.Verifications.as_view(), name="verifications"),
    path("verifications/current/", views.CurrentVerification.as_view(), name="current"),
    path("verifications/<uuid:pk>/", views.VerificationDetail.as_view(), name="verification"),
    path("categories/", views.Categories.as_view(), name="categories"),
    path("checks/", views.Checks.as_view(), name="checks"),
    path("faces/", views.Faces.as_view(), name="faces"),
    path("faces/<uuid:pk>/result/", views.FaceResult.as_view(), name="face-result"),
    # What lies below our paths answers in our shape; what lies beside them is the host's.
    re_path(
        r"^(?:verifications|categories|checks|faces)(?:/(?s:.*))?$",
        views.Nothing.as_view(),
        name="nothing",
    ),
]
