"""What everybody expects of a Django app and newcomers forget, each held by a test.

Elsewhere: translations (test_translations), the lists' queries (test_admin), classifiers and the wheel
(test_install), style and layers (ruff, import-linter).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.functional import Promise

import wx_realname
from tests.cases import each
from tests.console import page, records, staff
from tests.lying_wechat import NAME, NUMBER
from wx_realname import audit, exceptions
from wx_realname.models import AuditEvent

ROOT = Path(__file__).parent.parent
PACKAGE = Path(wx_realname.__file__).parent
APP = apps.get_app_config("wx_realname")
MODELS = list(APP.get_models())
MIGRATIONS = sorted((PACKAGE / "migrations").glob("0*.py"))
COMMANDS = sorted(name for name, app in get_commands().items() if app == "wx_realname")
LONGEST_INDEX = models.Index.max_name_length
LONGEST_CONSTRAINT = 63  # PostgreSQL's

of_models = pytest.mark.parametrize("model", MODELS)


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(PACKAGE)], "wx_realname."):
        if not re.search(r"__main__|\.commands\.|prometheus$", found.name):
            yield importlib.import_module(found.name)


# --- models -----------------------------------------------------------------------------------


def test_the_app_says_its_own_auto_field() -> None:
    """Else a host's DEFAULT_AUTO_FIELD would ask for a migration in our folder."""
    assert APP.default_auto_field == "django.db.models.BigAutoField"
    for model in MODELS:
        assert not isinstance(model._meta.auto_field, models.AutoField) or isinstance(
            model._meta.auto_field, models.BigAutoField
        )


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["django.db.models.AutoField", "django.db.models.BigAutoField"])
def test_no_migration_is_missing_whatever_the_hosts_auto_field(settings: Any, field: str) -> None:
    settings.DEFAULT_AUTO_FIELD = field
    call_command("makemigrations", "wx_realname", check=True, dry_run=True, stdout=io.StringIO())


@of_models
def test_what_is_shown_of_a_model_is_translated_when_it_is_shown(model: Any) -> None:
    assert isinstance(model._meta.verbose_name, Promise)
    assert isinstance(model._meta.verbose_name_plural, Promise)
    for field in model._meta.fields:
        assert field.auto_created or isinstance(field.verbose_name, Promise), field
        assert not field.help_text or isinstance(field.help_text, Promise), field
        for _value, label in field.choices or ():
            assert str(label), field
    assert isinstance(APP.verbose_name, Promise)


@of_models
def test_nobody_can_be_given_a_permission_that_nothing_asks_for(model: Any) -> None:
    assert model._meta.default_permissions == ("view",)
    for codename, name in model._meta.permissions:
        assert isinstance(name, Promise)
        assert any(codename in path.read_text() for path in PACKAGE.rglob("admin/*.py"))


@of_models
def test_every_index_and_constraint_has_a_name_that_every_database_takes(model: Any) -> None:
    """A name that Django makes up changes with the fields, and no operator can tell what it is."""
    for index in model._meta.indexes:
        assert index.name.startswith("wx_realname_") and len(index.name) <= LONGEST_INDEX
    for constraint in model._meta.constraints:
        assert constraint.name.startswith("wx_realname_")
        assert len(constraint.name) <= LONGEST_CONSTRAINT
    for field in model._meta.local_fields:
        assert field.primary_key or not (field.unique or field.db_index), field
    assert not model._meta.unique_together


@of_models
def test_no_text_of_a_record_names_a_citizen(model: Any) -> None:
    planted = {
        field.name: f"{NAME}{NUMBER}"
        for field in model._meta.fields
        if re.search("name|credential|reason|errmsg", field.name)
    }
    row = model(**planted)
    for field in model._meta.fields:
        if isinstance(field, models.DateTimeField):
            setattr(row, field.name, timezone.now())
    assert NAME not in f"{row} {row!r}" and NUMBER not in f"{row} {row!r}"


@of_models
def test_a_dump_keeps_every_moment_to_the_microsecond(model: Any) -> None:
    """The trail compares moments; Django's JSON cuts those of a plain DateTimeField."""
    fields = [each for each in model._meta.fields if isinstance(each, models.DateTimeField)]
    assert [each.name for each in fields if type(each) is models.DateTimeField] == []


def test_the_user_model_is_the_hosts() -> None:
    for migration in MIGRATIONS:
        assert not re.search(r"[\"']auth\.User[\"']", migration.read_text()), migration
    first = MIGRATIONS[0].read_text()
    assert "migrations.swappable_dependency(settings.AUTH_USER_MODEL)" in first
    assert "to=settings.AUTH_USER_MODEL" in first


# --- URLs, templates, static files --------------------------------------------------------------


def test_our_urls_are_in_a_namespace_of_their_own() -> None:
    urls = importlib.import_module("wx_realname.urls")
    assert urls.app_name == "wx_realname"
    assert all(pattern.name for pattern in urls.urlpatterns)
    assert reverse("wx_realname:verifications").endswith("/verifications/")
    outside = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not outside & {pattern.name for pattern in urls.urlpatterns}


def test_templates_and_static_files_can_collide_with_nobodys() -> None:
    for folder in ("templates", "static"):
        for path in (PACKAGE / folder).rglob("*"):
            if path.is_file():
                assert "wx_realname" in path.relative_to(PACKAGE / folder).parts[:2], path


# --- the console ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["verification", "auditevent", "hourlystatistic"])
def test_a_list_asks_no_more_for_many_rows_than_for_one(model: str) -> None:
    """Each row has a user of its own, whom a column could look up."""
    clerk = staff("view_verification", "view_auditevent", "view_hourlystatistic")

    def asked(rows: int) -> int:
        for n in range(rows):
            user = User.objects.create(username=f"{rows}-{n}")
            (row,) = records(1, first=1000 * rows + n, user=user)
            origin = audit.Origin.of(user)
            audit.append(AuditEvent.Event.REVEAL, origin, using="default", about=row)
        with CaptureQueriesContext(connection) as queries:
            assert clerk.get(page(model)).status_code == 200
        return len(queries)

    asked(1)  # what is asked once a process
    assert asked(2) == asked(20)


# --- commands ---------------------------------------------------------------------------------


@each("name", COMMANDS)
def test_a_command_has_our_prefix_and_says_what_it_does(name: str) -> None:
    assert name.startswith("realname_")
    assert len(load_command_class("wx_realname", name).help) > 20


BAD = {
    "realname_affected": ["--actor", "1", "--from", "2026-11-29", "--to", "9999-12-31"],
    "realname_application": ["--merchant", "nobody"],
    "realname_doctor": ["--nonsense"],
    "realname_erasures": ["--batch-size", "0"],
    "realname_evidence": ["--year", "26"],
    "realname_expire_audit": ["--before", "soon"],
    "realname_replay_erasures": ["there-is-no-such-file"],
    "realname_groups": ["--nonsense"],
    "realname_make_keys": ["--nonsense"],
    "realname_notices": ["there-is-no-such-folder"],
    "realname_protect_audit": [],
    "realname_purge": ["--batch-size", "0"],
    "realname_rotate_keys": ["--batch-size", "0"],
    "realname_settle": ["--batch-size", "0"],
    "realname_sandbox": ["--port", "-1"],
    "realname_seal_audit": ["--batch-size", "many"],
    "realname_usage": ["--days", "0"],
    "realname_verify_audit": ["--checkpoint", "nonsense"],
}


#: They touch permissions, triggers, notices or who looked alone.
WITHOUT_SETTINGS = {
    "realname_affected",
    "realname_evidence",  # wants its arguments first, as those below do
    "realname_expire_audit",
    "realname_groups",
    "realname_make_keys",
    "realname_notices",
    "realname_protect_audit",
    "realname_replay_erasures",
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_answers_bad_input_with_a_command_error(name: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(name, *BAD[name], stdout=io.StringIO(), stderr=io.StringIO())
    is_usage = str(refused.value).startswith("Error: ")  # from a shell argparse itself exits with 2
    assert is_usage or refused.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [None, {}, {"STORAGE": "paper"}], ids=["missing", "empty", "wrong"])
@pytest.mark.parametrize("name", sorted({*COMMANDS} - WITHOUT_SETTINGS))
def test_a_command_answers_wrong_settings_with_a_command_error(
    name: str, raw: Any, settings: Any
) -> None:
    settings.WX_REALNAME = raw
    with pytest.raises(CommandError, match="WX_REALNAME"):
        call_command(name, stdout=io.StringIO(), stderr=io.StringIO())


# --- system checks ------------------------------------------------------------------------------


def ids_by_function() -> Iterator[tuple[str, str, str]]:
    """Each check id with the function that says it, and the text of its module."""
    for path in sorted(PACKAGE.glob("*checks.py")):
        for function in ast.parse(text := path.read_text()).body:
            if isinstance(function, ast.FunctionDef):
                for found in set(re.findall(r"id='(wx_realname\.\w+)'", ast.unparse(function))):
                    yield found, function.name, text


def test_each_check_has_an_id_of_its_own_a_test_and_a_docstring_that_names_it() -> None:
    """Documentation is made of the docstrings."""
    said = list(ids_by_function())
    tests = "".join(path.read_text() for path in ROOT.glob("tests/test_*.py"))
    assert len({check_id for check_id, *_ in said}) == len(said) >= 18
    for check_id, function, text in said:
        short = check_id.removeprefix("wx_realname.")
        assert re.fullmatch(r"[EWI]\d{3}", short), function
        assert short in tests, check_id
        assert f"{short}:" in text or f"{short} (" in text, check_id


# --- Python -----------------------------------------------------------------------------------


def test_no_name_is_both_a_module_and_a_function() -> None:
    for module in modules():
        package, _, name = module.__name__.rpartition(".")
        if package:
            assert getattr(sys.modules[package], name) is module


def test_every_name_that_a_module_offers_is_there() -> None:
    for module in modules():
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"


PUBLIC = ("services", "api", "testing", "log", "middleware", "signals", "exceptions")


@each("name", PUBLIC)
def test_what_a_host_calls_says_what_it_does(name: str) -> None:
    root = importlib.import_module(f"wx_realname.{name}")
    names = [root.__name__]
    if hasattr(root, "__path__"):
        names += [found.name for found in pkgutil.iter_modules(root.__path__, f"{root.__name__}.")]
    for module in map(importlib.import_module, names):
        assert inspect.getdoc(module), module.__name__
        for own in _public(module):
            assert own.__doc__ or _is_an_error(own), f"{module.__name__}.{own.__name__}"


def _public(module: ModuleType) -> Iterator[Any]:
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        if own and not name.startswith("_") and (inspect.isclass(value) or callable(value)):
            yield value


def _is_an_error(value: Any) -> bool:
    """Its `detail` says what it means."""
    return inspect.isclass(value) and issubclass(value, exceptions.RealNameError)


#: What no module of ours holds, and the modules that may.
NEVER = {
    r"search_fields": (),  # the console's: a number would reach a URL
    r"auth\.models import .*\bUser\b": (),  # Django's own; the host has its own
    r"getLogger\((?!__name__\)|\"wx_realname\.(?:sandbox|attempt)\"\))": (),
    r"utcnow\(|datetime\.now\(\)|date\.today\(\)|fromtimestamp\([^,()]*\)": (),  # without a zone
    # What differs between databases stands in one module.
    r"\.vendor\b|\[\"vendor\"\]": ("databases.py",),
    # Nothing belongs to a session: so PgBouncer serves in transaction mode.
    r"\.a?iterator\(|chunked_cursor|pg_(try_)?advisory_lock|GET_LOCK|\bLISTEN\b": (),
    r"TEMP(ORARY)? TABLE|SET SESSION": (),
}


@each(("pattern", "readers"), NEVER.items())
def test_no_other_module_holds_it(pattern: str, readers: tuple[str, ...]) -> None:
    found = [path for path in PACKAGE.rglob("*.py") if re.search(pattern, path.read_text())]
    assert {path.relative_to(PACKAGE).as_posix() for path in found} == set(readers)


def test_importing_the_package_needs_no_django() -> None:
    """setup.cfg reads the version from it."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", wx_realname.__version__)


# --- beside the code ----------------------------------------------------------------------------


@each(
    ("name", "says"),
    [
        ("SECURITY.md", "How to report"),
        ("CHANGELOG.md", "## [Unreleased]"),
        ("CONTRIBUTING.md", "DeprecationWarning"),
        ("LICENSE", "Redistribution"),
        ("setup.cfg", "Typing :: Typed"),
        ("wx_realname/py.typed", ""),
    ],
)
def test_who_looks_for_it_finds_it(name: str, says: str) -> None:
    assert says in (ROOT / name).read_text()


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_no_more_than_it_must(workflow: Path) -> None:
    text = workflow.read_text()
    assert "\npermissions:\n  contents: read\n" in text
    used = re.findall(r"uses: (.+)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action
    assert text.count("actions/checkout") == text.count("persist-credentials: false")


def test_ci_runs_what_anybody_can_run() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "- run: .ci/run\n" in text
    classified = re.findall(r"Python :: (3\.\d+)", (ROOT / "setup.cfg").read_text())
    assert re.findall(r'"(3\.\d+)"', text) == classified
    assert f"matrix.python == '{classified[-1]}'" in text  # which takes every Django


def test_a_release_keeps_no_token_and_is_what_anybody_can_build() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    for said in ("id-token: write", "attestations: true", "- run: make release ", "name: pypi"):
        assert said in text
    assert not re.search(r"secrets\.|password:|PYPI_TOKEN|pip install", text)


LOCKS = sorted((ROOT / "release").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_what_builds_a_release_is_named_by_version_and_hash(lock: Path) -> None:
    text = lock.read_text()
    named = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert named
    for requirement in named:
        assert re.match(r"[\w.-]+==[\w.]+ ", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links", text)
