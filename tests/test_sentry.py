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

    def shows(self, *texts: str) -> list[str]:
        """Those among them that would be sent."""
        sentry_sdk.flush()
        return [text for text in texts if any(text in sent for sent in self.sent)]


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
        tracing = {"traces_sample_rate": 1.0}
        sentry_sdk.init("http://key@127.0.0.1:1/1", transport=kept, **tracing | options)
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


FIND, EXCHANGE = "/admin/wx_realname/verification/find/", "/api/realname/verifications/"


def find(client: Client, typed: dict[str, str], **headers: str) -> int:
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    token = cookies["csrftoken"] = "c" * 32
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return through_wsgi(FIND, typed | {"csrfmiddlewaretoken": token}, cookie=cookie, **headers)


OURS = {
    "before_send": sentry.before_send,
    "before_send_transaction": sentry.before_send_transaction,
}


def test_nothing_of_an_exchange_is_reported(
    report: Callable[..., Kept], user: Any, liar: LyingWeChat
) -> None:
    kept = report(**OURS)
    for token, status in ((AUTH_TOKEN, 201), (f"{AUTH_TOKEN}-lost", 504)):
        if status == 504:
            liar.play(says({}))
        assert through_wsgi(EXCHANGE, {"auth_token": token}, **{"x-user": "citizen"}) == status
    assert kept.shows(EXCHANGE) and len(kept.sent) >= 2  # a transaction each
    assert kept.shows(AUTH_TOKEN, NAME, json.dumps(NAME), NUMBER, "access_token=") == []


def test_nothing_that_an_officer_types_is_reported(
    report: Callable[..., Kept], admin_client: Client
) -> None:
    kept = report(**OURS)
    assert find(admin_client, {"real_name": NAME, "credential_id": NUMBER}) == 200
    assert kept.shows("/verification/find/")
    assert kept.shows(NAME, json.dumps(NAME), NUMBER) == []


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {}),
        # A rate of zero traces whom the header says is sampled: the check wants both functions then, too.
        (
            {"before_send": sentry.before_send, "traces_sample_rate": 0.0},
            {"sentry-trace": f"{'1' * 32}-{'2' * 16}-1"},
        ),
    ],
)
def test_without_both_sentry_reports_what_was_typed(
    report: Callable[..., Kept], admin_client: Client, options: Any, headers: dict[str, str]
) -> None:
    """What the deploy check is about; if sentry-sdk ever stops, the check may go."""
    kept = report(**options)
    assert find(admin_client, {"credential_id": NUMBER}, **headers) == 200
    assert kept.shows(NUMBER)


def test_a_path_that_cannot_be_told_counts_as_ours() -> None:
    for url in ("http://testserver/nowhere/", None, "http://testserver/api/realname/checks/"):
        assert sentry.before_send({"request": {"url": url, "data": {"a": 1}}}) == {
            "request": {"url": url}
        }
    other = {"request": {"url": "http://testserver/admin/", "data": {"a": 1}}}
    assert sentry.before_send(dict(other)) == other


@each(
    ("options", "warns"),
    [
        ({}, True),
        (OURS, False),
        ({"max_request_body_size": "never"}, False),
        ({"before_send": sentry.before_send, "traces_sample_rate": None}, False),  # errors alone
        ({"before_send": lambda event, _hint: event}, True),
        ({"before_send": sentry.before_send}, True),
        ({"before_send": sentry.before_send, "traces_sample_rate": 0.0}, True),
        ({"before_send_transaction": sentry.before_send_transaction}, True),
        (OURS | {"before_send_transaction": lambda event, _hint: event}, True),
    ],
)
def test_a_deploy_check_warns_where_one_of_them_is_not_ours(
    report: Callable[..., Kept], options: dict[str, Any], warns: bool
) -> None:
    sentry_sdk.init()
    assert list(sentry_gets_nothing_typed()) == []
    report(**options)
    assert [found.id for found in sentry_gets_nothing_typed()] == ["wx_realname.W021"] * warns
