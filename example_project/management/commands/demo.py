"""A face verification and an exchange on this machine: a local WeChat, the example site, two citizens.

Run it with `make demo`; the settings come from `example_project.demo`.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from example_project.demo import BASE_DIR, LOOPBACK, SITE_PORT, chosen_port
from wx_realname import conf
from wx_realname.models import AuditEvent

NOTICES = BASE_DIR / "example_project" / "notices"
PURPOSE = "social-security"
CITIZEN = {"real_name": "欧阳娜", "credential_id": "440524198001010013"}
ADMIN = "admin"
PATIENCE = 120  # seconds for a server to answer
TIMEOUT = 60  # seconds for a call


class Command(BaseCommand):
    help = (
        "Start a local WeChat and the example site, verify a face and do an exchange, "
        "both over HTTP, and serve until Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after both")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        wechat = conf.current().api_base_url
        host = os.environ.get("DEMO_HOST", LOOPBACK)
        site = f"http://{host}:{chosen_port(os.environ, 'DEMO_PORT', SITE_PORT)}"
        self.stdout.write(f"The example site will be at {site}/ and the local WeChat at {wechat}/.")
        try:
            call_command("migrate", verbosity=0, interactive=False)
            self._say("The site's notices are published", "realname_notices")
            with translation.override("en"):  # as all that is printed here
                call_command("realname_notices", str(NOTICES), stdout=self.stdout)
            with _sandbox(wechat), _site(site):
                self._face(wechat, site)
                self._exchange(wechat, site)
                self._addresses(wechat, site)
                if not once:
                    self._serve()
            self.stdout.write("The site has ended. Without ONCE=1 it runs until Ctrl-C.")
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _face(self, wechat: str, site: str) -> None:
        """The way that is open to new sites: name and number typed, and WeChat's camera."""
        token = self._login(wechat, site)
        self._say(
            "The citizen agrees to the notice, and types name and number; our server begins",
            "POST /api/realname/faces/",
        )
        faces = f"{site}/api/realname/faces/"
        begun = _post(faces, {**CITIZEN, "notice": _notice(site, token)}, token)
        phone = _post(f"{wechat}/sandbox/faces", {"verify_id": begun["verify_id"]})["phone"]
        self._say(
            f"WeChat's camera ends, the phone says {phone}; our server asks WeChat, which counts",
            "POST /api/realname/faces/<id>/result/",
        )
        self._show(_post(f"{faces}{begun['id']}/result/", {}, token))

    def _login(self, wechat: str, site: str) -> str:
        """The token of a WeChat user who is new here."""
        code = _post(f"{wechat}/sandbox/login_codes", {})["code"]
        self._say("The mini-program logs in with the code of wx.login", "POST /api/login/")
        return str(_post(f"{site}/api/login/", {"code": code})["token"])

    def _exchange(self, wechat: str, site: str) -> None:
        """The way of the sites that have the button."""
        token = self._login(wechat, site)
        auth_token = _post(f"{wechat}/sandbox/auth_tokens", CITIZEN)["auth_token"]
        self._say(
            "The citizen taps the button; WeChat gives an auth_token, and the mini-program posts it",
            "POST /api/realname/verifications/",
        )
        body = {"auth_token": auth_token, "notice": _notice(site, token)}
        self._show(_post(f"{site}/api/realname/verifications/", body, token))

    def _show(self, answer: dict[str, Any]) -> None:
        """The answer, and its audit events. Raises `CommandError` for one that isn't verified."""
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
        if answer["status"] != "verified":
            raise CommandError(f"The {answer['method']} ended as {answer['status']}.")

        self._say("What the auditor sees", "")
        for event in AuditEvent.objects.filter(verification_id=answer["id"]).order_by("created_at"):
            self.stdout.write(
                f"{event.created_at:%Y-%m-%d %H:%M:%S} UTC  {event.event}  {event.status}  "
                f"user {event.user_id}  from {event.ip_address}  "
                f"outcome HMAC {event.outcome_hmac[:16]}…"
            )

    def _addresses(self, wechat: str, site: str) -> None:
        password = _new_admin_password()
        self._say("The example site", "")
        self.stdout.write(
            f"simulator    {site}/\n"
            f"console      {site}/admin/   user {ADMIN}, password {password}\n"
            f"REST         {site}/api/realname/verifications/\n"
            f"OpenAPI      {site}/api/docs/\n"
            f"health       {site}/healthz\n"
            f"local WeChat {wechat}/sandbox/"
        )

    def _serve(self) -> None:
        self.stdout.write("\nServing until Ctrl-C.")
        while True:
            time.sleep(3600)

    def _say(self, what: str, call: str) -> None:
        self.stdout.write(f"\n{self.style.MIGRATE_HEADING(what)}" + (f"  {call}" if call else ""))


def _new_admin_password() -> str:
    admin, _created = get_user_model().objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
    )
    password = secrets.token_urlsafe(9)
    admin.set_password(password)
    admin.save()
    return password


def _sandbox(wechat: str) -> Any:
    port = wechat.rpartition(":")[2]
    command = [sys.executable, "manage.py", "realname_sandbox", "--port", port]
    return _server(command, f"{wechat}/sandbox/")


def _site(site: str) -> Any:
    server = [sys.executable, "-m", "gunicorn", "example_project.wsgi", "--log-level", "warning"]
    command = [*server, "--bind", site.removeprefix("http://"), "--threads", "8"]
    return _server(command, f"{site}/healthz")


@contextmanager
def _server(command: list[str], address: str) -> Iterator[None]:
    """A server of its own process, once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=BASE_DIR)
    try:
        _await(process, address)
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _await(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(address, timeout=1)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise CommandError(f"{address} doesn't answer; see the lines above.")


def _notice(site: str, token: str) -> str:
    """The id of the notice in force."""
    return str(_call("GET", f"{site}/api/realname/notices/{PURPOSE}/", None, token)["id"])


def _post(address: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    return _call("POST", address, body, token)


def _call(method: str, address: str, body: dict[str, Any] | None, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, address, json=body, headers=headers, timeout=TIMEOUT)
    if not answer.ok:
        raise CommandError(f"{address} answered {answer.status_code}: {answer.text}")
    data: dict[str, Any] = answer.json()
    return data
