"""PostgreSQL and Redis of a test's own: it stops and starts them as it likes, and nobody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.site import free_port
from tests.processes import run

PATIENCE = 30  # seconds


class Postgres:
    """A cluster in a folder, reached over TCP on loopback. `binaries`: of another version."""

    def __init__(self, folder: Path, binaries: Path | None = None) -> None:
        self._data, self._port = folder / "postgres", free_port()
        self.log = folder / "postgres.log"
        self._bin = binaries or _installed()
        self._data.mkdir()
        self.log.touch()
        if os.getuid() == 0:  # initdb refuses root
            for path in (folder, *folder.parents):
                if path.stat().st_uid == 0 and path != path.parent and path.name != "tmp":
                    path.chmod(path.stat().st_mode | 0o011)
            for path in (self._data, self.log):
                shutil.chown(path, "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
        until = time.monotonic() + PATIENCE
        while not self._run(
            "pg_ctl", "-w", "-l", str(self.log), "-o", options, "start", check=False
        ):
            assert time.monotonic() < until, self.log.read_text()[-2_000:]
            time.sleep(0.5)

    def crash(self) -> None:
        """Without a shutdown: what was committed is there again after the start.

        It may be asked again while it still recovers from the crash before: then it says no.
        """
        self._run("pg_ctl", "-m", "immediate", "stop", check=False)

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "fast", "stop", check=False)

    def dump(self, file: Path) -> None:
        program = str(self._bin / "pg_dump")
        run(program, "--no-owner", "--dbname", self.url, "--file", str(file))

    def restore(self, file: Path) -> None:
        once = ("--single-transaction", "--set", "ON_ERROR_STOP=1", "--quiet")
        command = (str(self._bin / "psql"), "--no-psqlrc", *once)
        run(*command, "--dbname", self.url, "--file", str(file))

    def _run(self, program: str, *arguments: str, check: bool = True) -> bool:
        """Whether it went well; with `check`, it must."""
        command = [str(self._bin / program), "-D", str(self._data), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        with self.log.with_suffix(".ctl").open("ab") as said:
            done = subprocess.run(
                command, cwd="/", stdout=said, stderr=said, timeout=120, check=check
            )
        return done.returncode == 0


def _installed() -> Path:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb") or (binaries and str(binaries[-1] / "initdb"))
    assert found, "install PostgreSQL"
    return Path(found).resolve().parent


class Redis:
    """A server that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "install redis-server"
        command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        time.sleep(0.2)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None


@contextmanager
def running(folder: Path) -> Iterator[tuple[Postgres, Redis]]:
    """Both, started; stopped at the end."""
    postgres, redis = Postgres(folder), Redis(folder)
    postgres.start()
    redis.start()
    try:
        yield postgres, redis
    finally:
        postgres.stop()
        redis.stop()


def going_away(postgres: Postgres, redis: Redis) -> list[Callable[[], None]]:
    """What a campaign strikes with, by the names that its page has words for."""

    def restart_database() -> None:
        postgres.crash()
        time.sleep(0.5)
        postgres.start()

    def stop_redis_for_a_second() -> None:
        redis.stop()
        time.sleep(1)
        redis.start()

    return [restart_database, stop_redis_for_a_second]
