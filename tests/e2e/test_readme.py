"""From an empty folder to a site by the README's own commands, and the mini-program against it, on Node."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.databases import rows_in
from tests.e2e.site import PATIENCE, clean_environment, free_port
from tests.e2e.test_miniprogram import MINIPROGRAM
from tests.processes import ROOT, run

pytestmark = pytest.mark.node

BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHER_WAYS = ("git+file", "make -C")  # to install; the others of the block are run
#: Of the mini-program's tests those that ask for no service, which this site doesn't have.
ROADS = {"face": "closed before the camera", "authorize": "a citizen who comes back is known"}


def blocks(page: str, heading: str, kind: str) -> list[str]:
    """The code of that kind in the section."""
    text = (ROOT / page).read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [code for found, code in BLOCK.findall(section) if found == kind]


def commands(block: str) -> list[str]:
    """Without prompt and comment."""
    return [re.sub(r"\s+# .*", "", line.removeprefix("$ ")) for line in block.splitlines()]


class Terminal:
    """A shell in the folder, with its virtual environment."""

    def __init__(self, folder: Path, venv: Path) -> None:
        self.folder = folder
        self._options: dict[str, Any] = {
            "cwd": folder,
            "env": clean_environment() | {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}"},
            "stderr": subprocess.STDOUT,
            "text": True,
        }
        self._options["env"].pop("PYTHONPATH", None)

    def run(self, *lines: str) -> None:
        done = subprocess.run(_shell(lines), stdout=subprocess.PIPE, check=False, **self._options)
        assert done.returncode == 0, done.stdout

    @contextmanager
    def serving(self, *lines: str, until: Callable[[str], object]) -> Iterator[str]:
        """The last command serves; what it said by the time that it was up."""
        log = self.folder / f"{len(lines)}.log"
        with log.open("w") as stream:
            server = subprocess.Popen(
                _shell(lines), stdout=stream, start_new_session=True, **self._options
            )
        try:
            end = time.monotonic() + PATIENCE
            while not until(log.read_text()):
                assert server.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
            yield log.read_text()
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(PATIENCE)

    def append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(text)


def _shell(lines: tuple[str, ...]) -> list[str]:
    return ["sh", "-ec", "\n".join(lines)]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """In an empty folder but for a clone of this project, with what isn't committed yet."""
    folder, venv = tmp_path / "mine", tmp_path / "venv"
    tracked = subprocess.check_output(["git", "-C", str(ROOT), "ls-files"], text=True)
    for name in tracked.splitlines():
        target = folder / "wx_realname" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    return Terminal(folder, venv)


def test_the_readme_leads_to_a_site_that_the_mini_program_works_with(terminal: Terminal) -> None:
    install, keys, wechat, start = map(
        commands, blocks("README.md", "Into your project", "console")
    )
    terminal.run(*(line for line in install if not any(way in line for way in OTHER_WAYS)))
    code = blocks("README.md", "Into your project", "python")[0]
    for name, text in re.findall(r"^# (\w+\.py)\n(.*?)(?=^# \w+\.py|\Z)", code, re.M | re.S):
        terminal.append(f"mysite/{name}", text)
    add_the_login(terminal)

    terminal.run(*keys)
    url = f"http://127.0.0.1:{free_port()}"
    (sandbox,), (*before, serve) = wechat, start
    with terminal.serving(f"{sandbox} --port 0", until=lambda said: "ready at" in said) as said:
        exports = re.findall(r"^export .*\n", said, re.MULTILINE)
        assert len(exports) == 7
        terminal.append("realname.env", "".join(exports))
        serve = f"{serve} --noreload {url.removeprefix('http://')}"
        with terminal.serving(*before, serve, until=lambda _: answers(url)):
            for script, road in ROADS.items():
                take(script, road, SITE_URL=url, SANDBOX_URL=exports[-1].partition("=")[2].strip())

    rows = rows_in(terminal.folder, "SELECT method, status FROM wx_realname_verification")
    assert sorted(rows) == [("authorize", "verified"), ("face", "verified")]


def add_the_login(terminal: Terminal) -> None:
    """What the mini-program calls first, as its page gives it."""
    (install,) = blocks("docs/en/mini-program.md", "Login", "console")
    terminal.run(*commands(install))
    files = blocks("docs/en/mini-program.md", "Login", "python")
    for name, text in zip(("login", "settings", "urls"), files, strict=True):
        terminal.append(f"mysite/{name}.py", text)


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/realname/verifications/", timeout=10).status_code == 401
    except requests.ConnectionError:
        return False


def take(script: str, road: str, **addresses: str) -> None:
    """One test of the mini-program's; that it ran is seen in the database."""
    command = ["node", "--test", f"--test-name-pattern={road}", f"test/site/{script}.test.js"]
    run(*command, cwd=MINIPROGRAM, env=os.environ | addresses)
