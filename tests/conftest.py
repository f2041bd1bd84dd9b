"""Fixtures: a real local WeChat, and settings that lead to it."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from types import TracebackType
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache, caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.management import call_command
from django.core.signals import got_request_exception
from django.db import connections, router
from django.dispatch import Signal
from django.utils import timezone, translation
from rest_framework.test import APIClient

from tests import settings as test_settings
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, Script, hangs_up, identity, refuses
from wx_realname import resident_id
from wx_realname.audit.outcome import digests
from wx_realname.audit.records import OUTCOMES
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, Notice, Verification
from wx_realname.sandbox import Citizen, Merchant, Sandbox
from wx_realname.sandbox.id_numbers import credential_id
from wx_realname.services import clients, erase, exchange
from wx_realname.services.cache import forget_failures
from wx_realname.services.rights import notices
from wx_realname.wechat.access_token import StableTokens

AUTH_TOKEN = "auth-token-of-these-tests"


DATABASE = {"db", "transactional_db", "live_server"}


def pytest_xdist_auto_num_workers() -> int:
    """Two a core: half of the time a test waits for a socket or a process."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _spread(items)
    _leave_out_what_needs_no_server(config, items)


def _spread(items: list[pytest.Item]) -> None:
    """Put the tests of whole sites evenly between modules: while they wait, others have their core."""
    waiting = [item for item in items if item.get_closest_marker("e2e")]
    others = [item for item in items if item not in waiting]
    modules = [list(group) for _, group in itertools.groupby(others, lambda item: item.path)]
    for number, item in enumerate(waiting if modules else ()):
        modules[number * len(modules) // len(waiting)].insert(0, item)
    items[:] = [item for module in modules for item in module] or items


def _leave_out_what_needs_no_server(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a server run only what uses the database: all else ran in `make test`, and is the same there."""
    if not test_settings.DATABASES["default"].get("HOST"):
        return
    left = [item for item in items if not _uses_a_database(item)]
    items[:] = [item for item in items if _uses_a_database(item)]
    config.hook.pytest_deselected(items=left)


def _uses_a_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    marks = ("django_db", "postgres", "mariadb", "campaign")
    return bool(DATABASE & fixtures) or any(item.get_closest_marker(mark) for mark in marks)


def forget_access_tokens() -> None:
    """Nothing in the cache, and nothing kept by the clients of this process, which outlive a test."""
    cache.clear()
    forget_failures()
    for _, client in clients._registry()._clients.values():
        if isinstance(client._tokens, StableTokens):
            client._tokens._own, client._tokens._forced_at = None, float("-inf")


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    configured = test_settings.WX_REALNAME["MERCHANTS"]["default"]  # type: ignore[index]
    merchant = Merchant(
        configured["APP_ID"],
        configured["APP_SECRET"],
        configured["MCH_ID"],
        (test_settings.merchant_key.certificate_pem,),
    )
    with Sandbox([merchant]) as sandbox:
        yield sandbox


@pytest.fixture
def notice(db: None) -> Notice:
    """A published notice, which a citizen may agree to."""
    notice = Notice(
        purpose="real-name",
        version="2026-11",
        language="zh-hans",
        title="个人信息处理告知书",
        text="我们处理您的姓名和身份证号码。",
        sha256=hashlib.sha256("我们处理您的姓名和身份证号码。".encode()).hexdigest(),
        handler="某市社会保险事业管理中心",
        published_at=timezone.now(),
    )
    notices.add(notice, using=router.db_for_write(Notice))
    return notice


def another(notice: Notice, **changes: Any) -> Notice:
    """A notice that was published besides, of the same text unless told otherwise."""
    names = ("purpose", "version", "language", "title", "text", "sha256", "handler", "recipients")
    values = {name: getattr(notice, name) for name in names} | {"published_at": timezone.now()}
    made = Notice(**values | changes)
    notices.add(made, using=router.db_for_write(Notice))
    return made


@pytest.fixture(autouse=True)
def _no_language_is_left() -> Iterator[None]:
    """LocaleMiddleware leaves the language of its last request to the thread."""
    yield
    translation.deactivate()


@pytest.fixture
def no_access_tokens(request: pytest.FixtureRequest) -> None:
    """An empty cache, and the database with it where it is kept in one."""
    if isinstance(caches["default"], BaseDatabaseCache):
        request.getfixturevalue("db")
    forget_access_tokens()


@pytest.fixture
def sandbox(no_access_tokens: None, sandbox_server: Sandbox, settings: Any) -> Sandbox:
    """The local WeChat, its ledger empty, and WX_REALNAME pointing to it; the cache is empty."""
    settings.WX_REALNAME = settings.WX_REALNAME | {"API_BASE_URL": sandbox_server.url}
    sandbox_server.reset_ledger()
    return sandbox_server


@pytest.fixture
def auth_token(sandbox: Sandbox) -> str:
    return sandbox.issue_auth_token(Citizen(NAME, NUMBER))


@pytest.fixture
def api() -> Callable[[str], APIClient]:
    """A client of the REST interface, logged in as the user of that name."""

    def client(username: str = "citizen") -> APIClient:
        return APIClient(headers={"X-User": username} if username else None)

    return client


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Change some of WX_REALNAME; `merchant=` changes the default merchant."""

    def change(*, merchant: dict[str, Any] | None = None, **changes: Any) -> None:
        merchants = settings.WX_REALNAME["MERCHANTS"]
        if merchant:
            merchants = merchants | {"default": merchants["default"] | merchant}
        settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": merchants} | changes

    return change


@pytest.fixture(scope="session")
def lying_server() -> Iterator[LyingWeChat]:
    liar = LyingWeChat()
    yield liar
    liar.close()


@pytest.fixture
def liar(
    no_access_tokens: None, lying_server: LyingWeChat, configure: Callable[..., None]
) -> LyingWeChat:
    """A WeChat that can be told to lie, and WX_REALNAME pointing to it; the cache is empty."""
    configure(API_BASE_URL=lying_server.url)
    lying_server.forget()
    return lying_server


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create(username="citizen")


@pytest.fixture
def row(liar: LyingWeChat, user: Any) -> Verification:
    """A verified record, by an exchange."""
    return exchange(user=user, auth_token=AUTH_TOKEN)


@pytest.fixture
def stranger(db: None) -> Any:
    return get_user_model().objects.create(username="stranger")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Each in a thread of its own, all let go together; what each returned or raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait(20)
        try:
            return work()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


# --- records, and what becomes of them --------------------------------------------------------


def number_of(age: int) -> str:
    """The ID number of somebody who has been that old for some days or weeks."""
    today = resident_id.today()
    return credential_id(f"{today.replace(year=today.year - age, day=1):%Y%m%d}", 1)


def outcome(user: Any, auth_token: str = AUTH_TOKEN, **kwargs: Any) -> Any:
    """The record, or the error."""
    try:
        return exchange(user=user, auth_token=auth_token, **kwargs)
    except RealNameError as error:
        return error


def code(user: Any, auth_token: str = AUTH_TOKEN, **kwargs: Any) -> str:
    """The code of the error, or the status of the record."""
    came = outcome(user, auth_token, **kwargs)
    return str(came.code if isinstance(came, RealNameError) else came.status)


_ENDS: dict[str, Script] = {
    "verified": identity(),
    "erased": identity(),
    "rejected": refuses(94004),
    "failed": refuses(94006),
    "unknown": hangs_up,
    "pending": refuses(94006),
}


def brought_to(
    status: str, liar: LyingWeChat, user: Any, auth_token: str = AUTH_TOKEN
) -> Verification:
    """A record in that status, for that token; the calls are forgotten, and WeChat is honest again."""
    liar.play(_ENDS[status])
    outcome(user, auth_token)
    row = Verification.objects.get(user_id=user.pk)
    if status == "erased":
        erase(row, actor=user, reason="a test")
    if status == "pending":
        Verification.objects.filter(pk=row.pk).update(status="pending", finished_at=None)
        AuditEvent.objects.filter(verification_id=row.pk).delete()
    liar.forget()
    row.refresh_from_db()
    assert row.status == status
    return row


def make_stuck() -> None:
    """Every record: pending in its first attempt, and a second older than PENDING_TIMEOUT."""
    started = timezone.now() - timedelta(seconds=121)
    ended = Verification.objects.exclude(status="pending").values_list("pk", flat=True)
    AuditEvent.objects.filter(verification_id__in=list(ended), event__in=OUTCOMES).delete()
    Verification.objects.update(status="pending", started_at=started)


def sign_anew(*rows: Verification) -> None:
    """Let the last event of each record vouch for what the test has made of it."""
    for row in Verification.objects.filter(pk__in=[row.pk for row in rows]):
        event = AuditEvent.objects.filter(verification_id=row.pk, event__in=OUTCOMES).latest("id")
        columns = AuditEvent.objects.values().get(pk=event.pk)
        code = digests(row, columns)[0]
        AuditEvent.objects.filter(pk=event.pk).update(outcome_hmac=code.hex)


def events() -> list[str]:
    """The audit trail, oldest first, without what stands beside a consent."""
    beside = ("notice_published", "consent_given")
    ordered = AuditEvent.objects.exclude(event__in=beside).order_by("created_at", "id")
    return [f"{event.event} {event.status}".strip() for event in ordered]


def verify(*checkpoints: str) -> tuple[int, str]:
    """The exit code and words of realname_verify_audit; anything but an exit is raised."""
    out, arguments = StringIO(), [f"--checkpoint={text}" for text in checkpoints]
    try:
        call_command("realname_verify_audit", *arguments, stdout=out, stderr=out)
    except SystemExit as exit_:
        return int(exit_.code or 0), out.getvalue()
    return 0, out.getvalue()


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """What the signal sends meanwhile; a second receiver fails each time."""
    sent: list[dict[str, Any]] = []

    def listen(**kwargs: Any) -> None:
        sent.append(kwargs)

    def fail(**kwargs: Any) -> None:
        raise RuntimeError("a receiver failed")

    for receiver in (fail, listen):
        signal.connect(receiver)
    try:
        yield sent
    finally:
        for receiver in (fail, listen):
            signal.disconnect(receiver)


# --- an error reporter that tells all it sees -------------------------------------------------


def frames(error: BaseException | None) -> Iterator[str]:
    """The exceptions of the chain, and every local variable of every frame that isn't a test's."""
    seen: set[int] = set()
    chain = [error]
    while chain:
        error = chain.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        chain += [error.__cause__, error.__context__]
        yield f"{error!r} {error} {error.args!r} {vars(error)!r}"
        yield from _locals(error.__traceback__)


def _locals(place: TracebackType | None) -> Iterator[str]:
    while place:
        module = place.tb_frame.f_globals.get("__name__", "")
        if not module.startswith("tests."):
            for name, value in place.tb_frame.f_locals.items():
                yield f"{module}:{place.tb_lineno} {name} = {value!r}"
        place = place.tb_next


class Reporter(logging.Handler):
    """Hears every log record and every unhandled exception of a request."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(f"{record.getMessage()} {record.__dict__!r}")
        if record.exc_info:
            self.told.extend(frames(record.exc_info[1]))

    def unhandled(self, **kwargs: Any) -> None:
        self.told.extend(frames(sys.exc_info()[1]))


@pytest.fixture
def reporter() -> Iterator[Reporter]:
    reporter, root = Reporter(), logging.getLogger()
    level = root.level
    root.addHandler(reporter)
    root.setLevel(logging.DEBUG)
    got_request_exception.connect(reporter.unhandled)
    yield reporter
    got_request_exception.disconnect(reporter.unhandled)
    root.setLevel(level)
    root.removeHandler(reporter)
