"""The example site under gunicorn, as an operator runs it: settings from the environment, a real port."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from tests.processes import ROOT, run
from wx_realname.sandbox import Merchant, MerchantKey

PATIENCE = 120  # seconds


class Site:
    """One gunicorn with its environment; everything it printed is in `log`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.environment = {**clean_environment(), **environment}
        self.log = folder / "site.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run manage.py with the site's environment; gives what it printed."""
        return run(sys.executable, "manage.py", *arguments, env=self.environment, stdin=stdin)

    def start(self, *, workers: int = 1, threads: int = 8) -> None:
        command = [sys.executable, "-m", "gunicorn", "example_project.wsgi"]
        command += ["--bind", self.url.removeprefix("http://"), "--access-logfile", "-"]
        command += ["--workers", str(workers), "--threads", str(threads), "--timeout", "60"]
        command += ["--keep-alive", "75"]  # longer than a citizen of a test is idle
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As the kernel does when memory runs out: the master and every worker, at once."""
        self._end(signal.SIGKILL)

    def kill_a_worker(self, choose: Callable[[list[int]], int]) -> None:
        """One of the workers, in the middle of whatever it does; gunicorn makes another."""
        if self._process is None:
            return
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            with suppress(ProcessLookupError):
                os.kill(choose([int(child) for child in children]), signal.SIGKILL)

    def _end(self, signum: int) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signum)
            self._process.wait(PATIENCE)
            self._process = None


class Citizen:
    """A logged-in user of the mini-program."""

    def __init__(self, site: Site, code: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._site = site
        answer = self._session.post(f"{site.url}/api/login/", json={"code": code}, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        self._session.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    @property
    def authorization(self) -> str:
        return str(self._session.headers["Authorization"])

    def post(self, auth_token: str) -> requests.Response:
        return self.call("POST", "realname/verifications/", json={"auth_token": auth_token})

    def get(self, path: str) -> requests.Response:
        return self.call("GET", path)

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        address = f"{self._site.url}/api/{path}"
        return self._session.request(method, address, timeout=PATIENCE, **kwargs)


def environment(folder: Path, merchant: Merchant, key: MerchantKey, wechat: str) -> dict[str, str]:
    """What an operator exports: a merchant, keys, a database of the test's own."""
    (folder / "apiclient_key.pem").write_bytes(key.private_key_pem)
    (folder / "apiclient_cert.pem").write_bytes(key.certificate_pem)
    return {
        **keys(),
        "SECRET_KEY": "e2e",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "WX_REALNAME_API_BASE_URL": wechat,
        "WX_REALNAME_APP_ID": merchant.app_id,
        "WX_REALNAME_APP_SECRET": merchant.app_secret,
        "WX_REALNAME_MCH_ID": merchant.mch_id,
        "WX_REALNAME_PRIVATE_KEY_FILE": str(folder / "apiclient_key.pem"),
        "WX_REALNAME_CERTIFICATE_FILE": str(folder / "apiclient_cert.pem"),
        "WX_REALNAME_THROTTLE_RATE": "none",
    }


def keys() -> dict[str, str]:
    """Made up, as the README says to."""
    encryption, index, audit = (base64.b64encode(os.urandom(32)).decode() for _ in range(3))
    return {
        "WX_REALNAME_ENCRYPTION_KEYS": f"e1:AES-256-GCM:{encryption}",
        "WX_REALNAME_INDEX_KEYS": f"i1:{index}",
        "WX_REALNAME_AUDIT_KEYS": f"a1:{audit}",
    }


def at_once(threads: int, work: Any, jobs: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, jobs))


def clean_environment() -> dict[str, str]:
    ours = ("WX_REALNAME_", "DJANGO_", "TEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
