"""For sites that report to Sentry: what was posted to our paths, and WeChat's queries, never leave.

    sentry_sdk.init(
        ...,
        max_request_body_size="never",
        before_send=wx_realname.sentry.before_send,
        before_send_transaction=wx_realname.sentry.before_send_transaction,
    )

sentry-sdk takes a request's body into an event on success too, where tracing is on. A site that has a
`before_send` of its own calls ours in it; the deploy check W021 then wants `max_request_body_size="never"`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

#: The parts of a request that may hold what a citizen or an officer typed.
_POSTED = ("data", "query_string", "cookies")
#: What sentry-sdk keeps of an outgoing request: WeChat's has the access_token or the app secret in it.
_QUERIES = ("http.query", "http.fragment", "url.query")


def before_send(event: Any, hint: Any = None) -> Any:
    """The event without what was posted to our paths, and without the query of any outgoing request."""
    request = event.get("request")
    if isinstance(request, dict) and _is_ours(request.get("url")):
        for name in _POSTED:
            request.pop(name, None)
    crumbs = event.get("breadcrumbs")
    values = crumbs.get("values") if isinstance(crumbs, dict) else crumbs
    for each in [*(event.get("spans") or ()), *(values or ())]:
        _without_query(each)
    return event


before_send_transaction = before_send


def _without_query(record: Any) -> None:
    data = record.get("data") if isinstance(record, dict) else None
    if isinstance(data, dict):
        for name in _QUERIES:
            data.pop(name, None)


def _is_ours(url: Any) -> bool:
    """Whether the path is one of this package's; True where that isn't known."""
    try:
        match = resolve(urlsplit(str(url)).path)
    except Resolver404:
        return True
    names = [*match.app_names, match.url_name or ""]
    return any(name.startswith("wx_realname") for name in names)
