"""The same behind gunicorn (gthread): the worker's CPU time, calls a second, and how long citizens wait."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from example_project.demo import free_port

from .calls import auth_token

THREADS = 64
PATIENCE = 30  # seconds until the server answers
BATCH = 10  # calls between two looks at the worker's clock


class Client:
    """One keep-alive connection of a citizen who is logged in."""

    def __init__(self, port: int, login: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": login, "Content-Type": "application/json"}

    def exchange(self, path: str) -> None:
        body = json.dumps({"auth_token": auth_token()})
        self._connection.request("POST", path, body, self._headers)
        answer = self._connection.getresponse()
        assert answer.status == 201, (path, answer.status, answer.read())
        answer.read()

    def cpu(self) -> float:
        """What the server's only worker has used so far, in seconds."""
        self._connection.request("GET", "/cpu/")
        return float(json.loads(self._connection.getresponse().read())["seconds"])


@contextmanager
def gunicorn(workers: int) -> Iterator[int]:
    """The benchmark's site on a port of loopback."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--keep-alive", "75"]
    command += ["--workers", str(workers), "--threads", str(THREADS), "--log-level", "warning"]
    process = subprocess.Popen(command)
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _await(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            Client(port, "").cpu()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


class WorkerClock:
    """What a call costs the worker, the looks at its clock taken off."""

    def __init__(self, port: int, login: str) -> None:
        self._client = Client(port, login)
        looks = [self._client.cpu() for _ in range(50)]
        self._look = statistics.median(b - a for a, b in pairwise(looks))

    def call(self, path: str) -> float:
        """Seconds of CPU for one call, out of a batch."""
        before = self._client.cpu()
        for _ in range(BATCH):
            self._client.exchange(path)
        return (self._client.cpu() - before - self._look) / BATCH


@dataclass(frozen=True)
class Load:
    """What so many citizens at once saw; times in seconds."""

    clients: int
    latency: float
    per_second: float
    p50: float
    p99: float


def load(port: int, login: str, path: str, clients: int, latency: float, seconds: float) -> Load:
    """Each client posts, waits for the answer, and posts again."""
    waits: list[float] = []
    until = time.monotonic() + seconds

    def post() -> None:
        client = Client(port, login)
        while (began := time.monotonic()) < until or len(waits) < 2:  # a centile needs two
            client.exchange(path)
            waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=post) for _ in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(waits) / (time.monotonic() - began)
    centiles = statistics.quantiles(waits, n=100)
    return Load(clients, latency, rate, centiles[49], centiles[98])
