"""The strictest policy that a host project may have: everything from here, nothing inline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def strict_policy(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def middleware(request: Any) -> Any:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return middleware
