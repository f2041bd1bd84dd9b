"""Installed into a Django project that isn't ours, by the README alone: and a citizen is verified.

The quick part runs on this checkout, with every extra out of reach. The other (`packaging`) builds the
wheel, and installs it for each supported Django into a virtual environment of its own.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tarfile
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
EXTRAS = ("MySQLdb", "gunicorn", "hypothesis", "polib", "prometheus_client", "psycopg", "pytest")
EXTRAS += ("redis", "rest_framework_simplejwt", "stdnum", "xlsxwriter")
NOT_OURS_TO_USE = ("example_project", "tests", "benchmarks")
#: What a trial on the sandbox with startproject's settings is told of.
TRIAL = {"I001", "W005", "W009", "W010", "W013", "W023"}

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
    assert "1 event is not sealed yet" in project.manage("realname_verify_audit")
    assert "Events sealed: 2" in project.manage("realname_seal_audit")  # and the seal's own
    assert "The trail is intact" in project.manage("realname_verify_audit")
    assert "0 pending ended" in project.manage("realname_purge")
    assert "1 call" in project.manage("realname_usage")


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


def build(folder: Path, umask: int, **environment: str) -> list[Path]:
    """Wheel and sdist, as `make dist` makes them."""
    subprocess.run(
        [sys.executable, str(ROOT / "release" / "dist.py"), str(folder)],
        check=True,
        env=os.environ | environment,
        umask=umask,
        timeout=300,
    )
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build(tmp_path_factory.mktemp("built") / "dist", 0o022)


@pytest.fixture(scope="module")
def wheel(built: list[Path]) -> Path:
    return built[0]


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
def test_building_twice_gives_the_same_bytes(built: list[Path], tmp_path: Path) -> None:
    """By another account, in another time zone and another order."""
    again = build(tmp_path / "again", 0o077, TZ="Asia/Shanghai", PYTHONHASHSEED="7")
    assert [path.suffix for path in built] == [".whl", ".gz"]
    for one, other in zip(built, again, strict=True):
        assert other.name == one.name
        assert other.read_bytes() == one.read_bytes()


@pytest.mark.packaging
def test_the_sdist_holds_what_git_tracks_and_nothing_else(built: list[Path]) -> None:
    tracked = subprocess.check_output(["git", "-C", str(ROOT), "ls-files"], text=True).split("\n")
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames() if not name.endswith("/")}
        files = {member.name.partition("/")[2] for member in sdist if member.isfile()}
        assert {(member.uid, member.uname) for member in sdist} == {(0, "")}
    assert names >= files >= {"tox.ini", "tests/conftest.py", "docs/en/index.md", "release/dist.py"}
    assert {name for name in files - set(tracked) if ".egg-info/" not in name} == {"PKG-INFO"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a virtual environment with the wheel, its newest Django, and nothing else: no pip even.

    What is never imported needn't be compiled: that takes longer than the rest of an install.
    """
    folder = tmp_path_factory.mktemp("venv")
    create = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(create, check=True, timeout=120)
    python = str(folder / "bin" / "python")
    pip_install("--python", python, str(wheel), f"Django=={available()[-1]}.*")
    return python


def pip_install(*arguments: str) -> None:
    chosen = arguments[:2] if arguments[0] == "--python" else ()
    pip = [sys.executable, "-m", "pip", *chosen, "--disable-pip-version-check", "install"]
    rest = arguments[len(chosen) :]
    subprocess.run([*pip, "--quiet", "--no-compile", *rest], check=True, timeout=600)


def available() -> list[str]:
    """The Djangos that this Python takes, oldest first."""
    return [django for django, since in DJANGOS.items() if sys.version_info >= since]


#: Each Django once, as startproject makes a project; the other kinds of project on the newest.
TRIED = [(django, "as startproject makes it") for django in DJANGOS]
TRIED += [(available()[-1], variant) for variant in VARIANTS if variant != TRIED[0][1]]


@pytest.mark.packaging
@pytest.mark.parametrize(("django", "variant"), TRIED, ids=str)
def test_from_the_wheel_alone_a_citizen_is_verified(
    installed: str, folder: Path, wechat: Any, tmp_path: Path, django: str, variant: str
) -> None:
    """Another Django than the newest lies before it in the path: the rest needs no second install."""
    if django not in available():
        pytest.skip(f"Django {django} wants Python {'.'.join(map(str, DJANGOS[django]))}")
    environment = {}
    if django != available()[-1]:
        older = tmp_path / "older"
        pip_install("--no-deps", "--target", str(older), f"Django=={django}.*")
        environment["PYTHONPATH"] = str(older)
    project = verify_a_citizen(folder, installed, wechat, VARIANTS[variant], environment)
    look = "import importlib.util as u; print(*[n for n in {} if u.find_spec(n)])"
    assert project.run("-c", look.format((*EXTRAS, *NOT_OURS_TO_USE))).split() == []
    assert project.run("-m", "django", "--version").startswith(f"{django}.")
    run_the_commands(project)
