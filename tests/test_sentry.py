"""Sentry with its defaults and tracing: nothing that was typed or posted leaves with our `before_send`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client, RequestFactory
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tests.cases import each
from tests.conftest import AUTH_TOKEN
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, says
from wx_realname import sentry
from wx_realname.deploy_checks import sentry_gets_nothing_typed

pytestmark = pytest.mark.django_db


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode(errors="replace"))


@pytest.fixture(autouse=True)
def _connections_stay_open() -> Iterator[None]:
    """As Django's own test client has it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def report() -> Iterator[Callable[..., Kept]]:
    def init(**options: Any) -> Kept:
        kept = Kept()
        sentry_sdk.init(
            "http://key@127.0.0.1:1/1",
            transport=kept,
            **{"traces_sample_rate": 1.0} | options,
        )
        return kept

    yield init
    sentry_sdk.init()


def through_wsgi(address: str, data: Any, **headers: str) -> int:
    """The status of a POST by the handler that sentry-sdk looks into, which Django's test client isn't."""
    as_json = {"content_type": "application/json"} if "x-user" in headers else {}
    request = RequestFactory(headers=headers).post(address, data, **as_json)
    statuses: list[str] = []
    answer = WSGIHandler()(request.environ, lambda status, *_: statuses.append(status))
    b"".join(answer)
    answer.close()
    return int(statuses[0].split()[0])


def find(client: Client, **typed: str) -> int:
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    token = cookies["csrftoken"] = "c" * 32
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    data = typed | {"csrfmiddlewaretoken": token}
    return through_wsgi("/admin/wx_realname/verification/find/", data, cookie=cookie)


OURS = {
    "before_send": sentry.before_send,
    "before_send_transaction": sentry.before_send_transaction,
}


def test_nothing_of_an_exchange_is_reported(
    report: Callable[..., Kept], user: Any, liar: LyingWeChat
) -> None:
    kept = report(**OURS)
    address = "/api/realname/verifications/"
    for token, status in ((AUTH_TOKEN, 201), (f"{AUTH_TOKEN}-lost", 504)):
        if status == 504:
            liar.play(says({}))
        assert through_wsgi(address, {"auth_token": token}, **{"x-user": "citizen"}) == status
    sentry_sdk.flush()
    assert len(kept.sent) >= 2  # a transaction each
    assert "/api/realname/verifications/" in "".join(kept.sent)
    for secret in (AUTH_TOKEN, NAME, json.dumps(NAME), NUMBER, "access_token="):
        assert all(secret not in sent for sent in kept.sent), secret


def test_nothing_that_an_officer_types_is_reported(
    report: Callable[..., Kept], admin_client: Client
) -> None:
    kept = report(**OURS)
    assert find(admin_client, real_name=NAME, credential_id=NUMBER) == 200
    sentry_sdk.flush()
    assert any("/verification/find/" in sent for sent in kept.sent)
    for secret in (NAME, json.dumps(NAME), NUMBER):
        assert all(secret not in sent for sent in kept.sent), secret


def test_without_it_sentry_reports_what_was_typed(
    report: Callable[..., Kept], admin_client: Client
) -> None:
    """What the deploy check is about; if sentry-sdk ever stops, the check may go."""
    kept = report()
    assert find(admin_client, credential_id=NUMBER) == 200
    sentry_sdk.flush()
    assert any(NUMBER in sent for sent in kept.sent)


def test_a_path_that_cannot_be_told_counts_as_ours() -> None:
    for url in ("http://testserver/nowhere/", None, "http://testserver/api/realname/checks/"):
        assert sentry.before_send({"request": {"url": url, "data": {"a": 1}}}) == {
            "request": {"url": url}
        }
    other = {"request": {"url": "http://testserver/admin/", "data": {"a": 1}}}
    assert sentry.before_send(dict(other)) == other


def test_a_deploy_check_warns_of_its_defaults(report: Callable[..., Kept]) -> None:
    assert list(sentry_gets_nothing_typed()) == []
    report()
    assert [found.id for found in sentry_gets_nothing_typed()] == ["wx_realname.W021"]
    for options in (OURS, {"max_request_body_size": "never"}):
        report(**options)
        assert list(sentry_gets_nothing_typed()) == []
    errors_alone = {"before_send": sentry.before_send, "traces_sample_rate": None}
    report(**errors_alone)
    assert list(sentry_gets_nothing_typed()) == []


@each(
    "options",
    [
        {"before_send": lambda event, _hint: event},
        {"before_send": sentry.before_send},
        {"before_send": sentry.before_send, "traces_sample_rate": 0.0},
        {"before_send_transaction": sentry.before_send_transaction},
        {"before_send": sentry.before_send, "before_send_transaction": lambda event, _hint: event},
    ],
)
def test_the_check_warns_where_one_of_them_is_not_ours(
    report: Callable[..., Kept], options: dict[str, Any]
) -> None:
    report(**options)
    assert [found.id for found in sentry_gets_nothing_typed()] == ["wx_realname.W021"]


def test_a_rate_of_zero_traces_whom_the_header_says_is_sampled(
    report: Callable[..., Kept], admin_client: Client
) -> None:
    """Why the check wants both functions at that rate, too."""
    kept = report(before_send=sentry.before_send, traces_sample_rate=0.0)
    trace = f"{'1' * 32}-{'2' * 16}-1"
    cookies = {name: morsel.value for name, morsel in admin_client.cookies.items()}
    cookies["csrftoken"] = token = "c" * 32
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    data = {"credential_id": NUMBER, "csrfmiddlewaretoken": token}
    address = "/admin/wx_realname/verification/find/"
    assert through_wsgi(address, data, cookie=cookie, **{"sentry-trace": trace}) == 200
    sentry_sdk.flush()
    assert any(NUMBER in sent for sent in kept.sent)
