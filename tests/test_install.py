"""Installed into a Django project that isn't ours, by the README alone: and a citizen is verified.

The quick part runs on this checkout, with every extra out of reach. The other (`packaging`) builds the
wheel, and installs it for each supported Django into a virtual environment of its own.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.their_project import Project, post
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.sandbox.new_merchant import make_new_merchant

ROOT = Path(__file__).parent.parent
CITIZEN = Citizen("张三", "440524198001010013")

#: Each Django that is supported, and the oldest Python that it takes.
DJANGOS = {"5.2": (3, 10), "6.0": (3, 12), "6.1": (3, 12)}
EXTRAS = (
    "MySQLdb",
    "gunicorn",
    "hypothesis",
    "polib",
    "prometheus_client",
    "psycopg",
    "pytest",
    "redis",
    "rest_framework_simplejwt",
    "stdnum",
)
NOT_OURS_TO_USE = ("example_project", "tests", "benchmarks")
#: What a trial on the sandbox with startproject's settings is told of.
TRIAL = {"W005", "W009", "W010", "W013", "W023"}

VARIANTS: dict[str, Callable[[Project], None]] = {
    "as startproject makes it": lambda project: None,
    "users with a UUID": Project.give_users_a_uuid,
    "another database": Project.route_to_another_database,
}


@pytest.fixture
def wechat(tmp_path: Path) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A local WeChat with a new merchant, and the environment that leads a site to it."""
    new = make_new_merchant(tmp_path / "merchant")
    with Sandbox([new.merchant]) as sandbox:
        exported = dict(
            line.removeprefix("export ").split("=", 1) for line in new.exports(sandbox.url)
        )
        yield sandbox, exported | {"WX_REALNAME_APP_SECRET": new.merchant.app_secret}


def verify_a_citizen(
    folder: Path,
    python: str,
    wechat: tuple[Sandbox, dict[str, str]],
    variant: Callable[[Project], None],
    environment: Mapping[str, str],
) -> Project:
    """From `startproject` to the record, by the commands of the README."""
    sandbox, exported = wechat
    project = Project(folder, python, exported | environment)
    variant(project)
    project.manage("makemigrations", "--check", "--dry-run")
    project.manage("migrate", "--database", project.database)
    assert said_by_checks(project) == TRIAL
    citizen = ("--username", "citizen", "--email", "c@example.org")
    project.manage("createsuperuser", "--noinput", *citizen, "--database", project.database)
    with project.serving() as url:
        body = {"auth_token": sandbox.issue_auth_token(CITIZEN)}
        answers = [post(url, "verifications/", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200], answers[0].text
    record = answers[0].json()
    assert (record["status"], record["real_name"]) == ("verified", "*三")
    assert answers[1].json() == record
    return project


def run_the_commands(project: Project) -> None:
    """Those that an operator has cron run."""
    assert "1 events are not sealed yet" in project.manage("realname_verify_audit")
    assert "Events sealed: 2" in project.manage("realname_seal_audit")  # and the seal's own
    assert "The trail is intact" in project.manage("realname_verify_audit")
    assert "0 pending made unknown" in project.manage("realname_purge")
    assert "1 calls" in project.manage("realname_usage")


def said_by_checks(project: Project) -> set[str]:
    # Django 6.1 finds an error in what its own startproject writes (mail.E001).
    level = ("--fail-level", "CRITICAL")
    said = project.manage("check", "--deploy", "--database", project.database, *level)
    return set(re.findall(r"\(wx_realname\.(\w+)\)", said))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.once
def test_a_citizen_is_verified_in_an_empty_project_without_any_extra(
    folder: Path, wechat: Any
) -> None:
    """The other kinds of project are tried with the wheel."""
    variant = VARIANTS["users with a UUID"]
    hidden = (
        f"import sys\nfor name in {(*EXTRAS, *NOT_OURS_TO_USE)}:\n    sys.modules[name] = None\n"
    )
    (folder / "sitecustomize.py").write_text(hidden)
    path = os.pathsep.join([str(folder), str(ROOT)])
    verify_a_citizen(folder, sys.executable, wechat, variant, {"PYTHONPATH": path})


# --- what the metadata promise ----------------------------------------------------------------


def metadata() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def classified(prefix: str) -> set[str]:
    """The versions among the classifiers."""
    lines = metadata()["metadata"]["classifiers"].splitlines()
    return {found[1] for line in lines if (found := re.fullmatch(rf"{prefix} :: (\d+\.\d+)", line))}


def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    return parser


def dotted(versions: set[str]) -> set[str]:
    """tox's `310` and `52` with their dots."""
    return {f"{version[0]}.{version[1:]}" for version in versions}


def test_the_classifiers_are_what_tox_tests() -> None:
    listed = tox()["tox"]["env_list"]
    assert classified("Programming Language :: Python") == dotted(
        set(re.findall(r"\bpy(\d+)-", listed))
    )
    assert classified("Framework :: Django") == dotted(set(re.findall(r"-dj(\d+)\b", listed)))


def test_each_django_that_tox_names_is_the_one_that_it_installs() -> None:
    lines = tox()["testenv"]["deps"].split("\n")
    django = [line for line in lines if line.startswith("dj")]
    pinned = {line.partition(":")[0]: line.partition(":")[2].strip() for line in django}
    assert set(pinned) == {f"dj{version.replace('.', '')}" for version in DJANGOS}
    for version in DJANGOS:
        major, minor = version.split(".")
        after = f"{int(major) + 1}.0" if minor == "2" else f"{major}.{int(minor) + 1}"
        allowed = {f"Django>={version},<{after}", f"Django>={version},<{major}.{int(minor) + 1}"}
        assert pinned[f"dj{version.replace('.', '')}"] in allowed


def test_the_oldest_of_each_is_the_lower_bound() -> None:
    options = metadata()["options"]
    oldest = min(
        classified("Programming Language :: Python"), key=lambda version: int(version.split(".")[1])
    )
    assert options["python_requires"] == f">={oldest}"
    assert f"Django>={min(classified('Framework :: Django'))}" in options["install_requires"]
    assert set(DJANGOS) == classified("Framework :: Django")


# --- the wheel --------------------------------------------------------------------------------

SOURCES = ("wx_realname", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
EPOCH = "1767225600"  # 2026-01-01; a zip can't say anything before 1980


def build(folder: Path) -> Path:
    """The wheel, from a copy: a build leaves its traces, and other tests read the checkout."""
    for name in SOURCES:
        source, to = ROOT / name, folder / "source" / name
        to.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, to)  # and not its time
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(folder / "dist")]
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run([*command, str(folder / "source")], check=True, env=environment, timeout=300)
    (wheel,) = (folder / "dist").iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


def in_the_checkout(*patterns: str) -> set[str]:
    found = {path for pattern in patterns for path in (ROOT / "wx_realname").glob(pattern)}
    return {str(path.relative_to(ROOT)) for path in found if path.is_file()}


@pytest.mark.packaging
def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = in_the_checkout(
        "**/*.py", "py.typed", "locale/**/*", "static/**/*", "templates/**/*"
    )
    assert names == expected
    assert "wx_realname/locale/zh_Hans/LC_MESSAGES/django.mo" in names
    assert "wx_realname/migrations/0001_initial.py" in names
    assert [name for name in names if name.startswith("wx_realname/static/")]
    assert [name for name in names if name.startswith("wx_realname/templates/")]


@pytest.mark.packaging
def test_building_twice_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            django,
            marks=pytest.mark.skipif(
                sys.version_info < since,
                reason=f"Django {django} wants Python {since[0]}.{since[1]}",
            ),
        )
        for django, since in DJANGOS.items()
    ],
)
def python(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> str:
    """That of a virtual environment with the wheel, this Django, and nothing else: no pip even.

    What is never imported needn't be compiled: that takes longer than the rest of an install.
    """
    folder = tmp_path_factory.mktemp("venv")
    create = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(create, check=True, timeout=120)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--no-compile", str(wheel), f"Django=={request.param}.*"]
    subprocess.run(install, check=True, timeout=600)
    return python


@pytest.mark.packaging
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_from_the_wheel_alone_a_citizen_is_verified(
    python: str, folder: Path, wechat: Any, variant: Callable[[Project], None]
) -> None:
    look = "import importlib.util as u; print(*[n for n in {} if u.find_spec(n)])"
    unwanted = (*EXTRAS, *NOT_OURS_TO_USE)
    found = subprocess.check_output([python, "-c", look.format(unwanted)], cwd=folder, text=True)
    assert found.split() == []
    run_the_commands(verify_a_citizen(folder, python, wechat, variant, {}))
