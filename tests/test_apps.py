"""What happens when Django starts, in a process of its own: who is wrong doesn't start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models.signals import pre_delete

from tests.cases import each

ROOT = Path(__file__).parent.parent
PLANTED = "planted-secret"


THEIRS = """
from tests.settings import *

INSTALLED_APPS.remove("drf_spectacular")  # importing it takes a fifth of a start
"""


def environment(folder: Path, settings: str) -> dict[str, str]:
    """Of the test project, with lines added to its settings."""
    (folder / "its_settings.py").write_text(f"{THEIRS}{settings}\n")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TEST_")},
        "DJANGO_SETTINGS_MODULE": "its_settings",
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "PYTHONIOENCODING": "utf-8",
    }


def run(folder: Path, settings: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the test project, with lines added to its settings."""
    command = [sys.executable, "-W", "error", *arguments]
    env = environment(folder, settings)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


SETUP = ("-c", "import django; django.setup()")
WSGI = ("-c", "from django.core.wsgi import get_wsgi_application; get_wsgi_application()")
CHECK = ("-m", "django", "check")


@each(
    ("way", "settings", "message"),
    [
        (SETUP, "WX_REALNAME['PENDING_TIMOUT'] = 1", 'Did you mean "PENDING_TIMEOUT"?'),
        (WSGI, f"WX_REALNAME['INDEX_KEYS'] = ['{PLANTED}']", '["INDEX_KEYS"][0] must have'),
        (SETUP, "del WX_REALNAME['MERCHANTS']", 'WX_REALNAME["MERCHANTS"] is missing'),
        (SETUP, "USE_TZ = False", "USE_TZ must be True"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    way: tuple[str, ...], settings: str, message: str, tmp_path: Path
) -> None:
    planted = f"WX_REALNAME['MERCHANTS']['default']['APP_SECRET'] = '{PLANTED}'"
    ended = run(tmp_path, f"{planted}\n{settings}", *way)
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1].startswith("wx_realname.exceptions.ConfigurationError: ")
    assert message in ended.stderr.splitlines()[-1]
    assert PLANTED not in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", ["check", "migrate"])
def test_a_wrong_setting_stops_a_command_as_a_check_does(command: str, tmp_path: Path) -> None:
    """One finding, and no traceback."""
    wrong = f"WX_REALNAME['INDEX_KEYS'] = ['{PLANTED}']"
    ended = run(tmp_path, wrong, "-m", "django", command)
    assert ended.returncode == 1
    assert ended.stderr.count("(wx_realname.E001)") == 1
    assert "Traceback" not in ended.stderr
    assert PLANTED not in ended.stdout + ended.stderr


FROM_NOTHING = "import wx_realname.env\nWX_REALNAME = wx_realname.env.settings(environ.Env())"


@each(
    ("way", "settings"),
    [(SETUP, "del WX_REALNAME"), (WSGI, "WX_REALNAME = None"), (WSGI, FROM_NOTHING)],
)
def test_a_missing_setting_does_not_stop_the_start(
    way: tuple[str, ...], settings: str, tmp_path: Path
) -> None:
    ended = run(tmp_path, settings, *way)
    assert (ended.returncode, ended.stderr) == (0, "")


@each(
    ("settings", "said"),
    [
        ("del WX_REALNAME", "is missing"),
        (
            FROM_NOTHING,
            "is empty. If wx_realname.env.settings() made it, no variable WX_REALNAME_…",
        ),
    ],
)
def test_a_missing_setting_is_reported_by_check(tmp_path: Path, settings: str, said: str) -> None:
    ended = run(tmp_path, settings, *CHECK)
    assert ended.returncode == 1 and "HINT: " in ended.stderr
    assert f"(wx_realname.E001) WX_REALNAME {said}" in ended.stderr


def test_right_settings_start_and_check_in_silence(tmp_path: Path) -> None:
    ended = run(tmp_path, "", *CHECK, "--fail-level", "WARNING", "--tag", "wx_realname")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_start_reads_no_key_file(tmp_path: Path) -> None:
    """That is for the checks: a worker must not die of a file that it may read a moment later."""
    settings = "WX_REALNAME['MERCHANTS']['default']['PRIVATE_KEY_FILE'] = '/nowhere'"
    assert run(tmp_path, settings, *SETUP).returncode == 0
    assert "(wx_realname.E002)" in run(tmp_path, settings, *CHECK).stderr


STAFF = """
from django.contrib.auth.models import User

class Staff(User):
    class Meta:
        proxy = True

class Clerk(User):
    pass
"""
DELETE = """
import django; django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from staff import models
from wx_realname.models import AuditEvent, Verification
call_command("migrate", verbosity=0, run_syncdb=True)
for kind in (User, models.Staff, models.Clerk):
    for how in ("one", "many"):
        user = kind.objects.create(username="citizen")
        row = Verification.objects.create(
            user_id=user.pk, status="pending", real_name_masked="*三", merchant="default",
            token_digest=kind.__name__ + how, created_at=timezone.now(), started_at=timezone.now())
        user.delete() if how == "one" else kind.objects.all().delete()
        row.refresh_from_db()
        events = AuditEvent.objects.filter(verification_id=row.pk).count()
        print(kind.__name__, how, row.status, row.real_name_masked, row.user_id, events)
"""


def test_personal_data_goes_with_its_user_whatever_class_deletes_it(tmp_path: Path) -> None:
    """Django sends a proxy's signals under the proxy's name, and a child's under both."""
    (tmp_path / "staff").mkdir()
    (tmp_path / "staff" / "__init__.py").touch()
    (tmp_path / "staff" / "models.py").write_text(STAFF)
    settings = (
        "INSTALLED_APPS.append('staff')\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
        "MIGRATION_MODULES = {app.rpartition('.')[2]: None for app in INSTALLED_APPS}"
    )
    ended = run(tmp_path, settings, "-c", DELETE)
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        f"{kind} {how} erased None None 1"
        for kind in ("User", "Staff", "Clerk")
        for how in ("one", "many")
    ]


def test_starting_twice_connects_once() -> None:
    before = len(pre_delete.receivers)
    apps.get_app_config("wx_realname").ready()
    assert len(pre_delete.receivers) == before
    assert pre_delete.has_listeners(get_user_model())
