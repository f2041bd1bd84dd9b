"""A project that isn't ours, empty but for Django, tests its integration with the plugin."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import TestCase

from tests import processes
from tests.conftest import AUTH_TOKEN
from wx_realname.exceptions import InvalidAuthToken, Mismatch
from wx_realname.models import Verification
from wx_realname.sandbox import Citizen
from wx_realname.services import exchange
from wx_realname.testing import RealNameTestMixin

SETTINGS = """
SECRET_KEY = "none"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "wx_realname",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
MADE_UP = """
import wx_realname.testing

WX_REALNAME = wx_realname.testing.made_up_settings()
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("realname/", include("wx_realname.urls"))]
"""
WITH_PYTEST = """
import pytest


def test_a_citizen_is_verified(admin_client, wechat_sandbox, citizen):
    token = wechat_sandbox.issue_auth_token(citizen)
    answer = admin_client.post(
        "/realname/verifications/", {"auth_token": token}, content_type="application/json"
    )
    assert answer.json()["status"] == "verified"


def test_plain(admin_client, wechat_sandbox, citizen, realname_settings):
    realname_settings["RESPONSE"] = "plain"
    token = wechat_sandbox.issue_auth_token(citizen)
    answer = admin_client.post(
        "/realname/verifications/", {"auth_token": token}, content_type="application/json"
    )
    assert answer.json()["real_name"] == citizen.real_name


@pytest.mark.parametrize("number", [1, 2])
def test_no_fault_or_profile_of_another_test_is_met(
    admin_client, wechat_sandbox, citizen, number
):
    token = wechat_sandbox.issue_auth_token(citizen)
    answer = admin_client.post(
        "/realname/verifications/", {"auth_token": token}, content_type="application/json"
    )
    assert answer.status_code == 201
    wechat_sandbox.fault("errcode_45009", times=50)
    wechat_sandbox.use_profile("unkind", 1, 1.0)


@pytest.mark.parametrize("number", [1, 2])
def test_a_change_deep_inside_is_each_tests_own(realname_settings, number):
    category_id = realname_settings["MERCHANTS"]["default"]["CATEGORY_ID"]
    assert category_id == [99, 904]
    category_id.append(number)
"""
WITHOUT = """
from django.contrib.auth.models import User
from django.test import TestCase
from wx_realname.testing import RealNameTestMixin, verify_by_face


class Tests(RealNameTestMixin, TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.known = User.objects.create(username="known")
        verify_by_face(cls.wechat_sandbox, cls.known)

    def test_a_citizen_is_verified(self):
        self.client.force_login(User.objects.create(username="citizen"))
        token = self.wechat_sandbox.issue_auth_token(self.citizen)
        answer = self.client.post(
            "/realname/verifications/", {"auth_token": token}, content_type="application/json"
        )
        self.assertEqual(answer.json()["status"], "verified")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"settings": SETTINGS, "urls": URLS, "test_it": WITH_PYTEST}.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "tests.py").write_text(WITHOUT)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\n")
    return tmp_path


def run(project: Path, *command: str) -> str:
    env = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    env |= {"PYTHONPATH": f"{project}:{processes.ROOT}"}
    return processes.run(sys.executable, "-m", *command, cwd=project, env=env, errors=True)


#: Others that are installed here, and take a second to load.
OTHERS = ("anyio", "hypothesispytest", "randomly", "schemathesis")


def run_pytest(project: Path) -> str:
    """Of its test_it.py, the plugin loaded as an installation would."""
    without = [word for name in OTHERS for word in ("-p", f"no:{name}")]
    installed = [point.value for point in entry_points(group="pytest11", name="wx_realname")]
    plugin = () if installed else ("-p", "wx_realname.pytest_plugin")
    return run(project, "pytest", "-q", "-p", "no:cacheprovider", *without, *plugin, "test_it.py")


@pytest.mark.once
def test_a_project_of_its_own_tests_with_pytest(project: Path) -> None:
    assert "6 passed" in run_pytest(project)


def test_a_project_of_its_own_tests_with_djangos_runner(project: Path) -> None:
    """Which runs the system checks first."""
    (project / "settings.py").write_text(SETTINGS + MADE_UP)
    assert "\nOK" in run(project, "django", "test", "tests", "--settings=settings")


def test_the_plugin_is_an_entry_point_of_the_distribution() -> None:
    options = (processes.ROOT / "setup.cfg").read_text().split("[options.entry_points]\n")[1]
    assert options.startswith("pytest11 =\n    wx_realname = wx_realname.pytest_plugin\n")


def test_loading_the_plugin_imports_no_django(project: Path) -> None:
    """It is loaded in every project where the package is installed, with Django or not."""
    code = "import sys, wx_realname.pytest_plugin; assert 'django' not in sys.modules"
    assert "1 loop" in run(project, "timeit", "-n1", "-r1", code)


class TestMixin(RealNameTestMixin, TestCase):
    def test_each_test_begins_with_settings_of_its_own(self) -> None:
        assert "RESPONSE" not in self.realname_settings
        self.realname_settings["RESPONSE"] = "plain"
        assert self.realname_settings["MERCHANTS"]["default"]["CATEGORY_ID"] == [99, 904]
        self.realname_settings["MERCHANTS"]["default"]["CATEGORY_ID"] = None

    def test_and_so_does_the_next(self) -> None:
        self.test_each_test_begins_with_settings_of_its_own()

    def test_each_test_begins_with_an_empty_ledger(self) -> None:
        assert self.wechat_sandbox.ledger == ()
        user = User.objects.create(username="citizen")
        with self.assertRaises(InvalidAuthToken):
            exchange(user=user, auth_token=AUTH_TOKEN)
        token = self.wechat_sandbox.issue_auth_token(Citizen("李四", "11010119900307002X"))
        exchange(user=user, auth_token=token)
        assert Verification.objects.filter(status="verified").count() == 1
        assert self.wechat_sandbox.totals["getrealnameinfo"] == 2

    test_and_again = test_each_test_begins_with_an_empty_ledger

    def test_a_face_is_verified_in_one_line(self) -> None:
        user = User.objects.create(username="citizen")
        verification = self.verified_face(user)
        assert (verification.status, verification.method) == ("verified", "face")
        with self.assertRaises(Mismatch):
            self.verified_face(user, verify_ret=10004)
        assert self.wechat_sandbox.totals["queryverifyinfo"] == 2


def test_a_class_that_cannot_be_set_up_leaves_no_sandbox_running() -> None:
    class Broken:
        @classmethod
        def setUpClass(cls) -> None:
            raise RuntimeError("a fixture of the site's")

    class Tests(RealNameTestMixin, Broken, TestCase):
        pass

    with pytest.raises(RuntimeError):
        Tests.setUpClass()
    Tests.doClassCleanups()
    with pytest.raises(RuntimeError, match="not running"):
        _ = Tests.wechat_sandbox.url
