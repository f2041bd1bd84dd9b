"""The example site: ports that are asked for, its database, its login."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from example_project.demo import chosen_port
from example_project.views import Login
from tests.cases import each
from tests.e2e.site import keys
from tests.processes import run
from wx_realname.sandbox import Sandbox

PLANTED = "planted-value"
EXAMPLE = {
    "SECRET_KEY": "x" * 50,
    "DATABASE_URL": "sqlite://:memory:",
    "DJANGO_SETTINGS_MODULE": "example_project.settings",
}


def test_the_demo_takes_the_port_that_is_asked_for_or_says_why_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit, match=f"DEMO_PORT: port {port} is in use"):
            chosen_port({"DEMO_PORT": port}, "DEMO_PORT")
    assert chosen_port({"DEMO_PORT": port}, "DEMO_PORT") == int(port)
    for wrong in ("0", "65536", "http", "-1"):
        with pytest.raises(SystemExit, match="DEMO_PORT must be a port"):
            chosen_port({"DEMO_PORT": wrong}, "DEMO_PORT")
    assert chosen_port({}, "DEMO_PORT") > 0


@each(
    ("query", "age", "options"),
    [
        *((f"pool={said}", None, {"pool": True}) for said in ("true", "yes", "on")),
        ("pool=true&conn_max_age=60", None, {"pool": True}),
        ("pool=false", 60, {}),
        ("pool=0&conn_max_age=30", 30, {}),
        ("conn_max_age=30", 30, {}),
        ("conn_max_age=0", 0, {}),
        ("", 60, {}),
    ],
)
def test_a_pool_and_persistent_connections_exclude_each_other(
    query: str, age: int | None, options: dict[str, Any]
) -> None:
    """And what DATABASE_URL says stands."""
    code = (
        "import json; from example_project.settings import DATABASES as d;"
        "print(json.dumps([d['default'].get('CONN_MAX_AGE'), d['default']['OPTIONS']]))"
    )
    url = f"postgres://a@127.0.0.1/b?{query}".rstrip("?")
    env = os.environ | {"SECRET_KEY": "x", "DATABASE_URL": url}
    assert json.loads(run(sys.executable, "-c", code, env=env)) == [age, options]


@each(
    ("command", "variables", "finding"),
    [
        ("check", {"CONNECT_TIMEOUT": PLANTED}, "CONNECT_TIMEOUT can't be read: it must be a"),
        ("runserver", {"APPID": PLANTED}, "APPID is unknown. Did you mean WX_REALNAME_APP_ID?"),
        (
            "migrate",
            {"MERCHANTS": PLANTED, "APP_ID": "wx1"},
            "MERCHANTS stands beside WX_REALNAME_",
        ),
    ],
)
def test_a_variable_that_cannot_be_read_stops_a_command_as_a_check_does(
    command: str, variables: dict[str, str], finding: str
) -> None:
    """One finding, and no traceback; other starts still raise it."""
    env = os.environ | EXAMPLE
    env |= {f"WX_REALNAME_{name}": value for name, value in variables.items()}
    options = ["--noreload", "0"] if command == "runserver" else []
    manage = [sys.executable, "manage.py", command, *options]
    ended = subprocess.run(manage, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"(wx_realname.E001) WX_REALNAME_{finding}" in ended.stderr
    assert ended.stderr.count("E001") == 1 and "Traceback" not in ended.stderr
    assert PLANTED not in ended.stdout + ended.stderr


@each(
    ("name", "value"),
    [
        *((name, value) for name in ("DATABASE_URL", "CACHE_URL") for value in ("", PLANTED)),
        ("DATABASE_URL", f"postgres://user:{PLANTED}@host:port/name"),
        ("CONN_MAX_AGE", PLANTED),
    ],
)
def test_djangos_own_variable_that_cannot_be_read_is_named_without_its_value(
    name: str, value: str
) -> None:
    manage = [sys.executable, "manage.py", "check"]
    env = os.environ | EXAMPLE | {name: value}
    ended = subprocess.run(manage, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"{name} can't be read. Give it as in {name}=" in ended.stderr
    assert PLANTED not in ended.stderr


def test_under_asgi_no_connection_outlives_its_request() -> None:
    """Each thread would keep one, and the database would run out of clients."""
    code = (
        "import example_project.asgi; from django.conf import settings;"
        "print(settings.DATABASES['default']['CONN_MAX_AGE'])"
    )
    env = os.environ | EXAMPLE
    env |= {"WX_REALNAME_APP_ID": "wx1", "WX_REALNAME_APP_SECRET": "s", **keys()}
    assert run(sys.executable, "-c", code, env=env) == "0\n"


@pytest.fixture
def login(sandbox: Sandbox, settings: Any) -> Callable[[str], Any]:
    settings.SIMPLE_JWT = {"SIGNING_KEY": "k" * 50}

    def posted(openid: str) -> Any:
        body = {"code": sandbox.issue_login_code(openid)}
        request = RequestFactory().post("/api/login/", body, content_type="application/json")
        return Login.as_view()(request)

    return posted


@pytest.mark.django_db
def test_openids_that_differ_in_case_share_no_account(login: Callable[[str], Any]) -> None:
    """Where the user table takes them for the same, as MariaDB's does by default, the second is refused."""
    openid = "oCase00000000000000000000000"
    assert login(openid).status_code == 200
    both = login(openid.swapcase()).status_code == 200
    assert get_user_model().objects.count() == (2 if both else 1)


@pytest.mark.django_db
def test_a_disabled_account_is_refused_with_words(login: Callable[[str], Any]) -> None:
    openid = "oInactive00000000000000000000"
    assert login(openid).status_code == 200
    get_user_model().objects.filter(username=openid).update(is_active=False)
    answer = login(openid)
    assert (answer.status_code, answer.data["code"]) == (403, "permission_denied")
    assert "disabled" in str(answer.data["detail"])
