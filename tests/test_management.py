"""What every command does alike: a database that can't be asked, progress on a terminal, and Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import translation

from tests.test_apps import environment, run
from tests.test_outages import another, closed_port
from tests.trail import events, sealed
from wx_realname import audit
from wx_realname.audit import records
from wx_realname.audit.reading import guarded
from wx_realname.exceptions import ConfigurationError
from wx_realname.models import AuditEvent, AuditSeal

ASKING = ["application", "groups", "protect_audit --install", "purge", "rotate_keys", "seal_audit"]
ASKING += ["usage", "verify_audit"]  # a database; the doctor and the sandbox don't
EACH = """
import sys
import django; django.setup()
from django.core.management import CommandError, call_command
from wx_realname.audit import sealing
sealing.PAUSES = ()
for command in sys.argv[1:]:
    try:
        call_command(*f"realname_{command}".split())
    except CommandError as error:
        print(error.returncode, error)
"""


def said_by_each(folder: Path, database: dict[str, object]) -> list[str]:
    settings = f"DATABASES = {{'default': DATABASES['default'] | {database!r}}}"
    ended = run(folder, settings, "-c", EACH, *ASKING)
    assert "Traceback" not in ended.stderr
    said = ended.stdout.splitlines()
    assert len(said) == len(ASKING), ended
    return said


SQLITE = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "OPTIONS": {}}
MARIADB = {"ENGINE": "django.db.backends.mysql", "HOST": "127.0.0.1", "OPTIONS": {}}


UNMIGRATED = "2 The database lacks a table: run manage.py migrate, or find out"
SILENT = "2 The database didn't answer. It said: "


@pytest.mark.parametrize(
    ("database", "said"),
    [
        pytest.param(SQLITE | {"NAME": ":memory:"}, UNMIGRATED, marks=pytest.mark.once),
        pytest.param(SQLITE | {"NAME": "/dev/null/db.sqlite3"}, SILENT, marks=pytest.mark.once),
        pytest.param(POSTGRES, SILENT, marks=pytest.mark.postgres),
        pytest.param(MARIADB, SILENT, marks=pytest.mark.mariadb),
    ],
    ids=["no table", "sqlite", "postgres", "mariadb"],
)
def test_each_says_that_the_database_lacks_a_table_or_did_not_answer(
    tmp_path: Path, database: dict[str, object], said: str
) -> None:
    there = {"NAME": "x", "PORT": closed_port(), "PASSWORD": "planted"} | database
    for line in said_by_each(tmp_path, there):
        assert line.startswith(said) and "planted" not in line, line


@pytest.mark.once
def test_from_the_shell_it_is_one_line_and_exit_2(tmp_path: Path) -> None:
    settings = f"DATABASES = {{'default': {SQLITE | {'NAME': '/dev/null/db.sqlite3'}!r}}}"
    ended = run(tmp_path, settings, "-m", "django", "realname_verify_audit")
    assert ended.returncode == 2
    assert ended.stderr == (
        "CommandError: The database didn't answer. It said: unable to open database file. "
        "Not everything was verified.\n"
    )
    assert "ntact" not in ended.stdout


# --- verification: what is nobody's tampering ---------------------------------------------------


def verification() -> tuple[int, str]:
    """The exit code, and all that was said."""
    out = StringIO()
    try:
        call_command("realname_verify_audit", stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    except SystemExit as exit_:
        return int(str(exit_.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [AuditEvent, AuditSeal, records.Verification])
def test_a_trail_without_its_table_is_neither_intact_nor_not(model: type[AuditEvent]) -> None:
    events(3)
    sealed()
    table, rename = model._meta.db_table, "ALTER TABLE {} RENAME TO {}".format
    connection.cursor().execute(rename(table, "elsewhere"))
    try:
        code, said = verification()
    finally:
        connection.cursor().execute(rename("elsewhere", table))
    assert (code, "ntact" in said) == (2, False)
    assert "run manage.py migrate, or find out who removed it" in said
    assert said.endswith("Not everything was verified.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
@pytest.mark.parametrize("place", ["is_signed", "_strays"], ids=["seals", "records"])
def test_a_server_that_stops_in_between_makes_no_fault(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: TEST_DATABASE_URL")
    events(30)
    sealed(batch_size=10)
    goes_on = getattr(audit.chain, place)

    def stops(*args: object) -> object:
        backend = connection.connection.info.backend_pid
        with another() as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        return goes_on(*args)

    monkeypatch.setattr(audit.chain, place, stops)
    code, said = verification()
    connection.close()
    assert code == 2
    assert said.startswith("0 events are not sealed yet.\nThe database didn't answer."), said
    assert "ntact" not in said


@pytest.mark.django_db
def test_what_was_found_before_the_database_failed_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events(3)
    sealed()
    AuditEvent.objects.filter(event="reveal").update(reason="another")

    def locked(*args: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(records, "_batch", locked)
    code, said = verification()
    assert code == 1
    assert said.count("was changed") == 3
    assert "database is locked. The rest was not verified." in said
    assert "NOT intact: 3 faults" in said
    monkeypatch.setattr(audit, "tail", locked)
    assert verification()[0] == 2  # not even the tail could be asked for


def test_a_setting_that_is_wrong_is_no_fault_of_the_trail() -> None:
    def failing() -> Generator[str, None, None]:
        yield from ()
        raise ConfigurationError("AUDIT_KEYS is wrong")

    with pytest.raises(ConfigurationError):
        list(guarded("records", failing()))


@pytest.mark.django_db
def test_a_dry_verification_says_how_much_there_is() -> None:
    events(3)
    sealed()
    events(1)
    out = StringIO()
    call_command("realname_verify_audit", "--dry-run", stdout=out)
    assert out.getvalue() == "Would be verified: seals: 1, events: 4, records: 0.\n"


# --- a terminal, and Ctrl-C ---------------------------------------------------------------------

FILL = """
import django; django.setup()
from django.core.management import call_command
from django.utils import timezone
from tests.console import ended
from tests.trail import events
from tests.test_rotation import made
from wx_realname import audit
call_command("migrate", verbosity=0)
events(3)
list(audit.seal(batch_size=2))
made(6)
ended(timezone.now(), 2)
events(3)
"""
KEYS = """
from tests.settings import _key
WX_REALNAME["ENCRYPTION_KEYS"] = [f"e2:AES-256-GCM:{_key(32, 9)}", *WX_REALNAME["ENCRYPTION_KEYS"]]
from wx_realname.management import options
options.EVERY = 0
"""
STOPPED_AND_AGAIN = """
import atexit, os, shutil, signal, sys
import django; django.setup()
from django.core.management import execute_from_command_line
from wx_realname.management import options
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
filled, copy, *names = sys.argv[1:]
for name in names:
    shutil.copy(filled, copy)
    for stopped in (True, False):
        if child := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(f"{name} ended with {code}", flush=True)
            continue
        atexit.unregister(shutil.rmtree)  # the settings' own folder, which the next one needs
        if stopped:
            options.progress = lambda stream: lambda what, count: signal.raise_signal(signal.SIGINT)
        execute_from_command_line(["django-admin", f"realname_{name}", "--no-color", "--batch-size=4"])
        sys.exit()
"""

#: How a run ends after another was stopped at its first sign of progress. No event tells of the six records.
LONG = {
    "purge": (0, "2 erased  \r0 pending ended, 2 erased."),
    "rotate_keys": (0, "2 records  \r2 records re-encrypted, 0 re-indexed."),
    "seal_audit": (0, "2 events  \rEvents sealed: 2. Checkpoint:"),
    "usage": (0, "2 attempts counted  \rdefault, authorize: 2 calls"),
    "verify_audit": (1, "6 records  \rThe trail is NOT intact: 6 faults."),
}


SILENCE = 120  # seconds after which a command counts as hanging


def on_a_terminal(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    ours, its = pty.openpty()
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, env=env, stdin=its, stdout=its, stderr=its)
    os.close(its)
    said = b""
    with suppress(OSError):  # EIO: nobody is at the other end any more
        while select.select([ours], [], [], SILENCE)[0] and (part := os.read(ours, 65_536)):
            said += part
    os.close(ours)
    try:
        return process.wait(timeout=SILENCE), said.decode()
    finally:
        process.kill()


@pytest.mark.once
def test_a_long_command_ends_at_ctrl_c_and_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    filled, copy = tmp_path / "filled.sqlite3", tmp_path / "db.sqlite3"

    def at(path: Path) -> str:
        return f"DATABASES = {{'default': {SQLITE | {'NAME': str(path)}!r}}}"

    assert run(tmp_path, at(filled), "-c", FILL).returncode == 0
    env = environment(tmp_path, at(copy) + KEYS)
    code, said = on_a_terminal(env, "-c", STOPPED_AND_AGAIN, str(filled), str(copy), *LONG)
    assert (code, "Traceback" in said) == (0, False), said
    for name, (ends, saying) in LONG.items():
        stopped, again, said = said.split(f"{name} ended with ", 2)
        assert stopped.endswith("\r\nStopped. It can be run again.\r\n"), stopped
        assert again.startswith("130\r\n") and saying in again, again
        assert said.startswith(f"{ends}\r\n"), said


@pytest.mark.parametrize("command", ["realname_doctor", "realname_make_keys"])
def test_a_command_ends_quietly_when_nobody_reads_on(command: str, tmp_path: Path) -> None:
    env = environment(tmp_path, "")
    with subprocess.Popen(
        [sys.executable, "-m", "django", command],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(timeout=60) == 141  # as shells report SIGPIPE


def test_who_calls_a_command_from_python_gets_the_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "tail", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("realname_verify_audit")


SPOKEN = {  # the command with its arguments, and what it says on an empty site
    "purge": "已结束 0 条进行中的记录，已删除 0 条。",
    "purge --dry-run": "将结束 0 条进行中的记录，将删除 0 条。",
    "settle": "0 条已结束，0 条仍在等待。",
    "settle --dry-run": "将查询 0 条。",
    "usage": "最近 30 天没有结束的尝试。",
    "verify_audit": "有 0 个事件尚未封存。",
    "verify_audit --dry-run": "将验证：封存 0 次，事件 0 个，记录 0 条。",
    "rotate_keys": "已重新加密 0 条记录，重建索引 0 条。",
    "seal_audit --dry-run": "有 0 个事件尚未封存。",
    "seal_audit": "已封存事件：1 个。检查点：",
    "expire_audit --dry-run --before 2020-01-01": "将移除 0 个事件。",
    "expire_audit --before 2020-01-01": "已移除 0 个事件。请运行 realname_seal_audit。",
    "erasures --dry-run": "将输出 0 条删除。",
    "replay_erasures /dev/null": "已再次删除 0 条，共 0 条。",
    "affected --actor 1 --from 2026-01-01 --to 2026-01-02": "0 条记录，涉及 0 人。",
}


@pytest.mark.django_db(transaction=True)
def test_commands_speak_the_sites_language() -> None:
    with translation.override("zh-hans"):
        for command, says in SPOKEN.items():
            out = StringIO()
            call_command(*f"realname_{command}".split(), stdout=out, stderr=out)
            assert out.getvalue().splitlines()[0] == says
            words = "".join(line for line in out.getvalue().splitlines() if ":" not in line)
            assert not re.search("[a-z]{4}", words.replace("realname_seal_audit", "")), words


@pytest.mark.django_db(transaction=True)
def test_verification_names_faults_in_the_sites_language() -> None:
    events(1)
    sealed()
    AuditSeal.objects.all().delete()
    with translation.override("zh-hans"):
        code, said = verification()
    assert code == 1 and "声称属于第 1 号封存，而该封存不存在" in said
    assert "审计日志不完整：发现 1 处问题。" in said
