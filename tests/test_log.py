"""Every line of the log says which request and record it belongs to, and none says whose."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient, RequestFactory
from django.urls import path

from tests.cases import each
from tests.conftest import AUTH_TOKEN, at_once, heard, outcome
from tests.lying_wechat import LyingWeChat, doing, hangs_up, identity, refuses
from wx_realname import log
from wx_realname.models import Verification
from wx_realname.signals import attempt_ended

LIST = "/api/realname/verifications/"
MIDDLEWARE = "wx_realname.middleware.request_id"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """What a site's handler writes, set up as the docstring of `log` says."""
    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(log.ContextFilter())
    handler.setFormatter(log.JSONFormatter())
    loggers = [logging.getLogger(name) for name in ("wx_realname", "django.request")]
    for logger in loggers:
        caplog.set_level(logging.INFO, logger.name)
        logger.addHandler(handler)
    yield handler.stream
    for logger in loggers:
        logger.removeHandler(handler)


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def ends(lines: io.StringIO) -> list[dict[str, Any]]:
    return [line for line in read(lines) if line.get("event") == "attempt_ended"]


@pytest.mark.parametrize(
    ("script", "status", "error_code", "errcode"),
    [
        (identity(), "verified", None, None),
        (refuses(94004), "rejected", "no_real_name", 94004),
        (refuses(94006), "failed", "misconfigured", 94006),
        (hangs_up, "unknown", "outcome_unknown", None),
    ],
)
def test_each_attempt_ends_with_one_line_and_one_signal(
    user: Any,
    liar: LyingWeChat,
    lines: Any,
    script: Any,
    status: str,
    error_code: Any,
    errcode: Any,
) -> None:
    liar.play(script)
    with heard(attempt_ended) as sent:  # a second receiver fails, and changes nothing
        outcome(user)
    (line,), (facts,) = ends(lines), sent
    row = Verification.objects.get()
    assert 0 <= facts.pop("seconds") < 20
    ended = {"status": row.status, "error_code": row.error_code, "sender": None}
    told = {"merchant": "default", "method": "authorize", "signal": attempt_ended}
    assert facts == told | ended
    assert (line["level"], line["logger"]) == ("INFO", "wx_realname.attempt")
    assert (line["status"], line["duration_ms"]) == (status, row.duration_ms)
    assert (line.get("error_code"), line.get("errcode")) == (error_code, errcode)
    assert (line["verification_id"], line["merchant"]) == (str(row.pk), "default")
    assert (line["attempt"], line["method"], line["recorded"]) == (1, "authorize", True)
    assert status in line["message"]


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_says_that_it_was_not_recorded(
    user: Any, liar: LyingWeChat, lines: Any
) -> None:
    liar.play(doing(lambda: Verification.objects.update(attempt=7), identity()))
    outcome(user)
    (line,) = ends(lines)
    assert line["recorded"] is False and "not recorded" in line["message"]


# --- the context ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "logger"),
    [(refuses(94006), "client"), (hangs_up, "transport")],
    ids=["client", "transport"],
)
def test_what_is_said_during_an_attempt_names_record_and_request(
    api: Any, user: Any, liar: LyingWeChat, lines: Any, script: Any, logger: str
) -> None:
    liar.play(script)
    api().post(LIST, {"auth_token": AUTH_TOKEN}, headers={log.HEADER: "3f2a9c01-trace"})
    (line,) = [line for line in read(lines) if line["logger"] == f"wx_realname.wechat.{logger}"]
    row = Verification.objects.get()
    assert (line["request_id"], line["verification_id"]) == ("3f2a9c01-trace", str(row.pk))
    assert (line["merchant"], line["attempt"]) == ("default", 1)
    assert [line["request_id"] for line in ends(lines)] == ["3f2a9c01-trace"]


ANYTHING = [None, "", "short", "x" * 65, "line one\nline two", '"},{"level":"x"']
ANYTHING += ["张三张三张三张三", "440524198001010013", "44052419800101001X", "13800138000"]


@each("given", ANYTHING)
def test_a_request_id_that_could_be_anything_is_replaced(given: str | None) -> None:
    request = RequestFactory().get("/")
    if given is not None:
        request.META["HTTP_X_REQUEST_ID"] = given
    made = log.request_id(request)
    assert len(made) == 32 and made != given
    assert log.request_id(request) == made


@each("given", ["0123-4567", "a" * 64, "4f1c9d1e-1111-4222-8333-444455556666"])
def test_a_plain_request_id_is_kept(given: str) -> None:
    assert log.request_id(RequestFactory().get("/", headers={log.HEADER: given})) == given


def test_a_bound_field_ends_with_its_block() -> None:
    def seen() -> dict[str, Any]:
        record = logging.makeLogRecord({})
        assert log.ContextFilter().filter(record)
        return {name: getattr(record, name) for name in log.CONTEXT}

    nothing = dict.fromkeys(log.CONTEXT, "-")
    with log.bound(merchant="north"), log.bound(attempt=2):
        assert seen() == nothing | {"merchant": "north", "attempt": 2}
        # threads don't see it
        assert at_once(seen, seen) == [nothing, nothing]
    assert seen() == nothing


def test_what_a_line_says_itself_comes_first() -> None:
    record = logging.makeLogRecord({"merchant": "its own"})
    with log.bound(merchant="another"):
        log.ContextFilter().filter(record)
    assert record.merchant == "its own"  # type: ignore[attr-defined]


def test_an_exception_is_one_line_of_json(lines: Any) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("wx_realname.any").exception("failed")
    (line,) = read(lines)
    assert line["message"] == "failed" and "two\nlines" in line["exception"]


# --- the middleware ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_middleware_gives_the_id_back_and_every_line_has_it(
    api: Any, liar: LyingWeChat, lines: Any, settings: Any
) -> None:
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    answer, refused = api().post(LIST, {"auth_token": AUTH_TOKEN}), api().get("/nowhere/")
    assert [line["request_id"] for line in ends(lines)] == [answer[log.HEADER]]
    # Django's own line, which it writes when every middleware has returned
    (line,) = [line for line in read(lines) if line["logger"] == "django.request"]
    assert line["request_id"] == refused[log.HEADER] != answer[log.HEADER]


async def asynchronous(request: Any) -> HttpResponse:
    return HttpResponse(log.request_id(request))


urlpatterns = [path("", asynchronous)]


@pytest.mark.urls(__name__)
def test_under_asgi_each_answer_has_its_id(settings: Any) -> None:
    settings.MIDDLEWARE = [MIDDLEWARE]
    first, second = (async_to_sync(AsyncClient().get)("/") for _ in range(2))
    assert first[log.HEADER] == first.content.decode() != second[log.HEADER]
