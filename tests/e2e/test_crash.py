"""Killed before, during and after the call to WeChat: the row is there, and becomes unknown."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.gate import Gate
from tests.e2e.site import Citizen, Site
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

REALNAME = "/cgi-bin/wxopen/getrealnameinfo"
TOKEN = "/cgi-bin/stable_token"
PENDING_TIMEOUT = 3
PERSON = Person("张三", "440524198001010013")


@pytest.fixture
def gate(wechat: Sandbox) -> Iterator[Gate]:
    gate = Gate(wechat.url)
    yield gate
    gate.close()


@pytest.fixture
def site(make_site: Callable[..., Site], gate: Gate) -> Site:
    timeouts = {"WX_REALNAME_TOTAL_TIMEOUT": "1.4", "WX_REALNAME_PENDING_TIMEOUT": "3"}
    site = make_site(gate.url, **timeouts)
    site.start()
    return site


def rows(folder: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "db.sqlite3", timeout=30)) as database:
        return database.execute(query).fetchall()


def state(folder: Path) -> list[Any]:
    return rows(folder, "SELECT status, attempt, in_doubt FROM wx_realname_verification")


def events(folder: Path) -> list[Any]:
    query = "SELECT event, status, error_code FROM wx_realname_auditevent ORDER BY created_at, id"
    return rows(folder, query)


def posted_in_background(citizen: Citizen, auth_token: str) -> threading.Thread:
    def post() -> None:
        with suppress(requests.RequestException):  # the site is killed
            citizen.post(auth_token)

    thread = threading.Thread(target=post)
    thread.start()
    return thread


def killed_while_held(
    site: Site, gate: Gate, citizen: Citizen, auth_token: str, when: str, path: str
) -> None:
    gate.hold(when, path)
    thread = posted_in_background(citizen, auth_token)
    assert gate.reached.wait(10)
    site.kill()
    gate.open()
    thread.join()


@pytest.mark.parametrize(
    ("when", "path", "consumed"),
    [
        ("before", TOKEN, False),  # reserved; nothing of the citizen's was sent
        ("before", REALNAME, False),  # sent, and WeChat hasn't seen it
        ("after", REALNAME, True),  # WeChat has answered; the worker is dead
    ],
)
def test_a_killed_worker_leaves_a_pending_row_that_becomes_unknown(
    site: Site, gate: Gate, wechat: Sandbox, tmp_path: Path, when: str, path: str, consumed: bool
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    auth_token = wechat.issue_auth_token(PERSON)
    killed_while_held(site, gate, citizen, auth_token, when, path)
    assert state(tmp_path) == [("pending", 1, 0)]
    assert events(tmp_path) == []

    site.start()
    early = citizen.post(auth_token)
    assert (early.status_code, early.json()["code"]) == (409, "exchange_in_progress")
    time.sleep(PENDING_TIMEOUT)
    late = citizen.post(auth_token)

    abandoned = ("exchange_abandoned", "unknown", "outcome_unknown")
    if consumed:  # WeChat now calls the token invalid: that is no news about the citizen
        assert (late.status_code, late.json()["code"]) == (504, "outcome_unknown")
        assert late.json()["wechat"]["errcode"] == 94005
        assert state(tmp_path) == [("unknown", 2, 1)]
        assert events(tmp_path) == [abandoned, ("exchange", "unknown", "outcome_unknown")]
    else:
        assert late.status_code == 201
        assert state(tmp_path) == [("verified", 2, 0)]
        assert events(tmp_path) == [abandoned, ("exchange", "verified", "")]


def test_purge_ends_what_a_crash_left_and_may_run_twice(
    site: Site, gate: Gate, wechat: Sandbox, tmp_path: Path
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    killed_while_held(site, gate, citizen, wechat.issue_auth_token(PERSON), "after", REALNAME)
    assert "0 pending made unknown" in site.manage("realname_purge")
    time.sleep(PENDING_TIMEOUT)
    assert "1 pending would be made unknown" in site.manage("realname_purge", "--dry-run")
    assert "1 pending made unknown" in site.manage("realname_purge")
    assert "0 pending made unknown" in site.manage("realname_purge")
    assert state(tmp_path) == [("unknown", 1, 1)]
    assert events(tmp_path) == [("exchange_abandoned", "unknown", "outcome_unknown")]


def test_killed_before_the_record_is_written_the_citizen_is_not_verified(
    site: Site, gate: Gate, wechat: Sandbox, tmp_path: Path
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    gate.hold("after", REALNAME)
    thread = posted_in_background(citizen, wechat.issue_auth_token(PERSON))
    assert gate.reached.wait(10)
    with closing(sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # the record has to wait
        gate.open()
        time.sleep(0.5)
        site.kill()
        other.execute("ROLLBACK")
    thread.join()
    assert state(tmp_path) == [("pending", 1, 0)]
    assert events(tmp_path) == []
