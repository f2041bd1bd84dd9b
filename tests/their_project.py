"""Somebody else's Django project, as `startproject` makes it, into which this package is installed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.e2e.site import free_port, keys
from tests.processes import run

PASSWORD = "only-for-tests"
INSTALL = """
import environ
import wx_realname.env

INSTALLED_APPS += ["rest_framework", "wx_realname"]
WX_REALNAME = wx_realname.env.settings(environ.Env())
"""
URL = """
from django.urls import include
urlpatterns += [path("realname/", include("wx_realname.urls"))]
"""

UUID_USER = """
import uuid
from django.contrib.auth.models import AbstractUser
from django.db import models

class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
"""
ROUTED = """
DATABASES = {"default": {}, "citizens": DATABASES["default"]}
DATABASE_ROUTERS = ["routers.ToCitizens"]
"""
ROUTER = """
class ToCitizens:
    def db_for_read(self, model, **hints):
        return "citizens"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == "citizens"
"""


class Project:
    """Its folder, the Python that it runs on, and its environment."""

    def __init__(self, folder: Path, python: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.python = python
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "NO_PROXY": "127.0.0.1",
            **environment,
            **keys(),
        }
        self.database = "default"
        self.run("-m", "django", "startproject", "theirs", str(folder))
        self.append("theirs/settings.py", INSTALL)
        self.append("theirs/urls.py", URL)

    def append(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as stream:
            stream.write(text)

    def give_users_a_uuid(self) -> None:
        self.append("people/__init__.py", "")
        self.append("people/models.py", UUID_USER)
        self.append("theirs/settings.py", 'INSTALLED_APPS += ["people"]\n')
        self.append("theirs/settings.py", 'AUTH_USER_MODEL = "people.Person"\n')
        self.manage("makemigrations", "people")

    def route_to_another_database(self) -> None:
        self.append("routers.py", ROUTER)
        self.append("theirs/settings.py", ROUTED)
        self.database = "citizens"

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> str:
        """What it printed, errors included; its end must be a good one."""
        command = (self.python, *arguments)
        return run(*command, cwd=self.folder, env=self.environment, errors=True)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Django's own server; the address."""
        port, log = free_port(), self.folder / "server.log"
        command = [self.python, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        with log.open("wb") as stream:
            server = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=stream, stderr=stream
            )
        try:
            yield _up(f"http://127.0.0.1:{port}", log)
        finally:
            server.terminate()
            server.wait(20)


def _up(url: str, log: Path) -> str:
    until = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{url}/admin/login/", timeout=10).raise_for_status()
            return url
        except requests.ConnectionError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)


def post(url: str, path: str, body: dict[str, Any]) -> requests.Response:
    """As DRF lets in by default: with a name and a password."""
    auth = ("citizen", PASSWORD)
    return requests.post(f"{url}/realname/{path}", json=body, auth=auth, timeout=30)
