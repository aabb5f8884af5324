"""Filled by the tests before the first request."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
