"""Who calls, by a header: the tests log nobody in."""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication


class ByHeader(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        username = request.headers.get("X-User")
        if not username:
            return None
        return get_user_model().objects.get_or_create(username=username)[0], None

    def authenticate_header(self, request: Any) -> str:
        return "X-User"
