"""What sealing costs the writers of the trail: `python -m benchmarks.sealing`.

32 writers, each with its own connection, append events as the services do, a transaction each: for some
seconds without a sealer, for some seconds with one, and so on in turn. Printed is the ratio of their
rates, with its spread, and whether any event was missed. The database is one of its own beside the one
that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WRITERS, PROCESSES = 32, 4
forked = multiprocessing.get_context("fork")


def write(until: float) -> int:
    """Append until then; how many events were committed."""
    from django.db import connections

    from wx_realname.services.disclosure.refusal import refused

    written = 0
    while time.monotonic() < until:
        refused(actor=None, permission="a benchmark")
        written += 1
    connections.close_all()
    return written


def writers(count: int, until: float, results: Any) -> None:
    """That many in this process, a thread and a connection each."""
    written: list[int] = []
    work = [threading.Thread(target=lambda: written.append(write(until))) for _ in range(count)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    results.put(sum(written))


def sealer(until: float, every: float) -> None:
    """Seal all there is, again and again."""
    from wx_realname import audit

    while time.monotonic() < until:
        for _ in audit.seal():
            pass
        time.sleep(every)


def rate(seconds: float, every: float | None) -> float:
    """Events a second, of all writers together; `every`: the sealer's pause, None for no sealer."""
    results, until = forked.Queue(), time.monotonic() + 1 + seconds
    each = (WRITERS // PROCESSES, until, results)
    work = [forked.Process(target=writers, args=each) for _ in range(PROCESSES)]
    if every is not None:
        work.append(forked.Process(target=sealer, args=(until, every)))
    for process in work:
        process.start()
    written = sum(results.get() for _ in range(PROCESSES))
    for process in work:
        process.join()
        assert process.exitcode == 0, "a writer or the sealer failed"
    return float(written / (seconds + 1))


def missed() -> tuple[int, int]:
    """How many events there are, and how many no seal covers after a last run of the sealer."""
    from django.db.models import Sum

    from wx_realname import audit
    from wx_realname.models import AuditEvent, AuditSeal

    for _ in audit.seal():
        pass
    events = AuditEvent.objects.count()
    covered = AuditSeal.objects.aggregate(count=Sum("count"))["count"]
    assert not list(audit.faults([], lambda what, count: None)), "the trail is not intact"
    return events, events - covered


@contextmanager
def database() -> Iterator[None]:
    os.environ["TEST_DATABASE_URL"] = os.environ.get("DATABASE_URL", "sqlite:///")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connection

    beside = str(connection.settings_dict["NAME"])
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    print(f"sealing on {connection.vendor}", flush=True)
    connection.close()  # a forked process mustn't share it
    try:
        yield
    finally:
        connection.creation.destroy_test_db(beside, verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="of each run")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--every", type=float, default=1, help="the sealer's pause, in seconds")
    options = parser.parse_args()
    from django.db import connection

    ratios = []
    with database():
        rate(2, None)
        for turn in range(options.rounds):
            orders = [(None, options.every), (options.every, None)]
            rates = {}
            for every in orders[turn % 2]:
                rates[every] = rate(options.seconds, every)
                connection.close()
            without, sealing = rates[None], rates[options.every]
            ratios.append(sealing / without)
            print(
                f"{without:7.0f} events/s without, {sealing:7.0f} with: {ratios[-1]:.1%}",
                flush=True,
            )
        events, unsealed = missed()
    print(
        f"with a sealer every {options.every:g} s, {WRITERS} writers reach {statistics.median(ratios):.1%} "
        f"({min(ratios):.1%} to {max(ratios):.1%} of {len(ratios)} rounds); "
        f"{unsealed} of {events:,} events missed"
    )


if __name__ == "__main__":
    main()
