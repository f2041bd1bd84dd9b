"""The answer to a form without a valid CSRF token, in the console's look: for CSRF_FAILURE_VIEW."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from . import once
from .forms import ExportForm, ReasonForm


def failure(request: Any, reason: str = "") -> HttpResponse:
    """Django's own answer outside the admin. What was typed into a form that acts once is kept."""
    if not _is_admin(request.path):
        return csrf_failure(request, reason)
    match = request.resolver_match
    form = ExportForm if (match.url_name or "").endswith("_export") else ReasonForm
    once.keep_typed(request, form(request.POST), match.kwargs.get("object_id"))
    context = {**admin.site.each_context(request), "title": _("This form is out of date")}
    answer = TemplateResponse(request, "admin/wx_realname/csrf.html", context, status=403)
    return answer.render()


def _is_admin(path: str) -> bool:
    try:
        return path.startswith(reverse("admin:index"))
    except NoReverseMatch:
        return False
