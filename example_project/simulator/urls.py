from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.page, name="simulator"),
    path("simulator/login-code", views.login_code, name="simulator-login-code"),
    path("simulator/authorise", views.authorise, name="simulator-authorise"),
    path("simulator/city-service", views.city_service, name="simulator-city-service"),
    path("simulator/camera", views.camera, name="simulator-camera"),
    path("simulator/place", views.place, name="simulator-place"),
    path("simulator/id-card", views.id_card, name="simulator-id-card"),
    path("simulator/wire", views.wire, name="simulator-wire"),
    path("i18n/", include("django.conf.urls.i18n")),  # the language switch
]
