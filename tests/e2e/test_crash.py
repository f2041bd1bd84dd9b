"""Killed before, during and after a call to WeChat: no record is lost, and none ends twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.databases import Database
from tests.e2e.gate import PATIENCE, Gate
from tests.e2e.site import ROOT, Citizen, Site
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

REALNAME = "/cgi-bin/wxopen/getrealnameinfo"
BEGIN, QUERY = (f"/cityservice/face/identify/{call}" for call in ("getverifyid", "queryverifyinfo"))
TOKEN = "/cgi-bin/stable_token"
PERSON = Person("张三", "440524198001010013")
TYPED = {"real_name": PERSON.real_name, "credential_id": PERSON.credential_id}

Act = Callable[[], Any]


@pytest.fixture
def gate(wechat: Sandbox) -> Iterator[Gate]:
    gate = Gate(wechat.url)
    yield gate
    gate.close()


@pytest.fixture
def site(make_site: Callable[..., Site], gate: Gate, database: Database) -> Site:
    site = make_site(gate.url, DATABASE_URL=database.url)
    site.start()
    return site


def state(database: Database) -> list[Any]:
    return database.rows("SELECT status, attempt, in_doubt FROM wx_realname_verification")


def time_passes(database: Database) -> None:
    """More than PENDING_TIMEOUT."""
    database.execute("UPDATE wx_realname_verification SET started_at = '2026-01-01 00:00:00'")


def events(database: Database) -> list[Any]:
    return database.rows(
        "SELECT event, status, error_code FROM wx_realname_auditevent ORDER BY created_at, id"
    )


def in_background(act: Act) -> threading.Thread:
    def run() -> None:
        with suppress(requests.RequestException):  # the site is killed
            act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def killed_while_held(site: Site, gate: Gate, act: Act, when: str, path: str) -> None:
    gate.hold(when, path)
    thread = in_background(act)
    assert gate.reached.wait(PATIENCE)
    site.kill()
    gate.open()
    thread.join()


# --- the exchange -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "path", "consumed"),
    [
        ("before", TOKEN, False),  # reserved; nothing of the citizen's was sent
        ("before", REALNAME, False),  # sent, and WeChat hasn't seen it
        ("after", REALNAME, True),  # WeChat has answered; the worker is dead
    ],
)
def test_a_killed_worker_leaves_a_pending_row_that_becomes_unknown(
    site: Site,
    gate: Gate,
    wechat: Sandbox,
    database: Database,
    when: str,
    path: str,
    consumed: bool,
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    auth_token = wechat.issue_auth_token(PERSON)
    killed_while_held(site, gate, lambda: citizen.post(auth_token), when, path)
    assert state(database) == [("pending", 1, 0)]
    assert events(database) == []

    site.start()
    early = citizen.post(auth_token)
    assert (early.status_code, early.json()["code"]) == (409, "exchange_in_progress")
    time_passes(database)
    late = citizen.post(auth_token)

    abandoned = ("exchange_abandoned", "unknown", "outcome_unknown")
    if consumed:  # WeChat now calls the token invalid: that is no news about the citizen
        assert (late.status_code, late.json()["code"]) == (504, "outcome_unknown")
        assert late.json()["wechat"]["errcode"] == 94005
        assert state(database) == [("unknown", 2, 1)]
        assert events(database) == [abandoned, ("exchange", "unknown", "outcome_unknown")]
    else:
        assert late.status_code == 201
        assert state(database) == [("verified", 2, 0)]
        assert events(database) == [abandoned, ("exchange", "verified", "")]


def test_purge_ends_what_a_crash_left_and_may_run_twice(
    site: Site, gate: Gate, wechat: Sandbox, database: Database
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    auth_token = wechat.issue_auth_token(PERSON)
    killed_while_held(site, gate, lambda: citizen.post(auth_token), "after", REALNAME)
    assert "已结束 0 条进行中的记录" in site.manage("realname_purge")
    time_passes(database)
    assert "将结束 1 条进行中的记录" in site.manage("realname_purge", "--dry-run")
    assert "已结束 1 条进行中的记录" in site.manage("realname_purge")
    assert "已结束 0 条进行中的记录" in site.manage("realname_purge")
    assert state(database) == [("unknown", 1, 1)]
    assert events(database) == [("exchange_abandoned", "unknown", "outcome_unknown")]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the lock is SQLite's
def test_killed_before_the_record_is_written_the_citizen_is_not_verified(
    site: Site, gate: Gate, wechat: Sandbox, database: Database, tmp_path: Path
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    auth_token = wechat.issue_auth_token(PERSON)
    gate.hold("after", REALNAME)
    thread = in_background(lambda: citizen.post(auth_token))
    assert gate.reached.wait(PATIENCE)
    with closing(sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # the record has to wait
        gate.open()
        time.sleep(0.5)
        site.kill()
        other.execute("ROLLBACK")
    thread.join()
    assert state(database) == [("pending", 1, 0)]
    assert events(database) == []


# --- a face -----------------------------------------------------------------------------------


def begin(citizen: Citizen) -> requests.Response:
    return citizen.call("POST", "realname/faces/", json=TYPED)


def result(citizen: Citizen, record: str) -> requests.Response:
    return citizen.call("POST", f"realname/faces/{record}/result/")


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ("before", TOKEN),  # reserved; nothing of the citizen's was sent
        ("before", BEGIN),  # sent, and WeChat hasn't seen it
        ("after", BEGIN),  # WeChat has answered; the worker is dead
    ],
)
def test_killed_while_a_face_begins_it_failed_and_the_citizen_begins_anew(
    site: Site, gate: Gate, wechat: Sandbox, database: Database, when: str, path: str
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    killed_while_held(site, gate, lambda: begin(citizen), when, path)
    assert state(database) == [("pending", 1, 0)]
    assert events(database) == []

    site.start()
    begun = begin(citizen).json()
    wechat.show_face(begun["verify_id"])
    assert result(citizen, begun["id"]).json()["status"] == "verified"
    time_passes(database)
    assert "已结束 1 条进行中的记录" in site.manage("realname_purge")
    assert sorted(state(database)) == [("failed", 1, 0), ("verified", 1, 0)]
    assert events(database) == [
        ("exchange", "verified", ""),
        ("exchange_abandoned", "failed", "wechat_unreachable"),
    ]


@pytest.mark.parametrize("by", ["phone", "realname_settle"])
@pytest.mark.parametrize("when", ["before", "after"])  # WeChat has seen the query
def test_killed_while_wechat_is_asked_how_a_face_ended_it_waits_and_is_asked_again(
    site: Site, gate: Gate, wechat: Sandbox, database: Database, when: str, by: str
) -> None:
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    begun = begin(citizen).json()
    wechat.show_face(begun["verify_id"])
    if by == "phone":
        killed_while_held(site, gate, lambda: result(citizen, begun["id"]), when, QUERY)
        site.start()
    else:
        settle_is_killed(site, gate, when)
    assert state(database) == [("waiting", 1, 0)]
    assert events(database) == []

    assert result(citizen, begun["id"]).json()["status"] == "verified"
    assert "0 条已结束，0 条仍在等待" in site.manage("realname_settle", "--all")
    assert state(database) == [("verified", 1, 0)]
    assert events(database) == [("exchange", "verified", "")]


def settle_is_killed(site: Site, gate: Gate, when: str) -> None:
    gate.hold(when, QUERY)
    command = [sys.executable, "manage.py", "realname_settle", "--all"]
    with subprocess.Popen(command, cwd=ROOT, env=site.environment) as settle:
        assert gate.reached.wait(PATIENCE)
        settle.kill()
    gate.open()
