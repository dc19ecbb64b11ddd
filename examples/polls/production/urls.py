from django.urls import include, path

from . import views

urlpatterns = [
    path("", include("polls.urls")),
    path("status", views.status),
    path("slow", views.slow),
    path("fault", views.fault),
]
