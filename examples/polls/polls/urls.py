from django.urls import path

from . import views

urlpatterns = [
    path("", views.index),
    path("name", views.name),
    path("ask", views.ask),
    path("vote", views.vote),
]
