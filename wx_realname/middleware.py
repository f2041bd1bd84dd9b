"""A request id for everything that a site logs. Optional: this package's own views have one without it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.utils.decorators import sync_and_async_middleware

from . import log


@sync_and_async_middleware
def request_id(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Binds the id while the request is answered, and repeats it in X-Request-ID. Put it first.

    MIDDLEWARE = ["wx_realname.middleware.request_id", ...]
    """
    if iscoroutinefunction(get_response):

        async def asynchronous(request: Any) -> Any:
            with log.bound(request_id=log.request_id(request)):
                return _add_header(request, await get_response(request))

        return asynchronous

    def synchronous(request: Any) -> Any:
        with log.bound(request_id=log.request_id(request)):
            return _add_header(request, get_response(request))

    return synchronous


def _add_header(request: Any, response: Any) -> Any:
    response[log.HEADER] = log.request_id(request)
    return response
