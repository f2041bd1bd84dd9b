"""One exchange each way, through Django's WSGI handler in this process, and the CPU time that it took."""

from __future__ import annotations

import io
import itertools
import json
import resource
import secrets
import time
from typing import Any

from django.contrib.auth import get_user_model
from django.core.wsgi import get_wsgi_application
from rest_framework_simplejwt.tokens import AccessToken

OURS = "/api/realname/verifications/"

_numbers = itertools.count()


class Caller:
    """A citizen who is logged in, and a site without a socket before it."""

    def __init__(self) -> None:
        self._application = get_wsgi_application()
        self.login = login()

    def call(self, path: str, **more: str) -> float:
        """Seconds of CPU, of this process and of those that it started, for one exchange."""
        environ, status = self._environ(path, more), io.StringIO()

        def start_response(line: str, headers: object, exc_info: object = None) -> Any:
            status.write(line)

        before = used()
        response = self._application(environ, start_response)
        body = b"".join(response)
        response.close()
        seconds = used() - before
        assert status.getvalue().startswith("201"), (path, status.getvalue(), body)
        return seconds

    def _environ(self, path: str, more: dict[str, str]) -> dict[str, Any]:
        body = json.dumps({"auth_token": auth_token()} | more).encode()
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": self.login,
            "HTTP_HOST": "127.0.0.1",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }


def login() -> str:
    """The Authorization header of a new citizen."""
    user = get_user_model().objects.create(username=secrets.token_hex(14))
    return f"Bearer {AccessToken.for_user(user)}"


def auth_token() -> str:
    """One that was never posted, as long as WeChat's."""
    return f"{secrets.token_urlsafe(48)}-{next(_numbers)}"


def used() -> float:
    """CPU seconds of this process, all threads, and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
