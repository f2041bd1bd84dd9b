"""The signals for metrics: sent robustly, and with nothing of a citizen's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.dispatch import Signal

from tests.conftest import AUTH_TOKEN, heard, outcome
from tests.lying_wechat import (
    NAME,
    NUMBER,
    REALNAME,
    TOKEN,
    LyingWeChat,
    identity,
    refuses,
    says,
)
from tests.processes import run
from wx_realname import signals

KINDS: dict[str, Signal] = {
    "attempt": signals.attempt_ended,  # tests/test_log.py has what it says
    "wechat": signals.wechat_asked,
    "token": signals.access_token_fetched,
    "miss": signals.cache_missed,
}
Notes = dict[str, list[dict[str, Any]]]


@pytest.fixture
def notes() -> Iterator[Notes]:
    """What is sent, by kind; a second receiver fails each time."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(heard(signal)) for kind, signal in KINDS.items()}


def test_wechats_time_is_told_by_call(user: Any, liar: LyingWeChat, notes: Notes) -> None:
    outcome(user)
    asked = notes["wechat"]
    assert [facts["call"] for facts in asked] == [TOKEN, REALNAME]
    assert all(0 < facts["seconds"] < 20 for facts in asked)


def test_a_call_that_nobody_answers_takes_its_time_too(
    user: Any, configure: Any, notes: Notes
) -> None:
    configure(API_BASE_URL="http://127.0.0.1:1")
    outcome(user)
    assert {facts["call"] for facts in notes["wechat"]} == {TOKEN}


def test_token_refreshes_and_cache_misses_are_told(
    user: Any, liar: LyingWeChat, notes: Notes
) -> None:
    outcome(user)
    assert [facts["forced"] for facts in notes["token"]] == [False] and len(notes["miss"]) == 2
    outcome(user, "another-token")
    assert (len(notes["token"]), len(notes["miss"])) == (1, 2)


def test_a_forced_refresh_is_told_apart(user: Any, liar: LyingWeChat, notes: Notes) -> None:
    dead = says({"access_token": "dead", "expires_in": 7200})
    liar.play(dead, dead, says({"access_token": "alive", "expires_in": 7200}), path=TOKEN)
    liar.play(refuses(40001), identity())
    outcome(user)
    assert [facts["forced"] for facts in notes["token"]] == [False, False, True]


def test_what_is_told_names_no_citizen(user: Any, liar: LyingWeChat, notes: Notes) -> None:
    outcome(user)
    outcome(user, merchant=NAME)
    assert all(notes.values())
    for planted in (AUTH_TOKEN, NAME, NUMBER, user.username):
        assert planted not in repr(notes)


@pytest.mark.once
def test_the_package_alone_never_imports_prometheus_client() -> None:
    code = (
        "import sys, django; django.setup(); import wx_realname.urls, wx_realname.admin; "
        "sys.exit(bool(sys.modules.get('prometheus_client')))"
    )
    run(sys.executable, "-c", code, env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
