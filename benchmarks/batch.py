"""How fast batch work is, and how much memory it takes, at two sizes: `python -m benchmarks.batch`.

It fills a database of its own beside the one that DATABASE_URL names (SQLite in a temporary folder by
default), first with a hundred thousand records and as many events, then with many more, and runs each job
as an operator does, in a process of its own, which tells its peak memory at the end. On the smaller site
it first rotates the keys in turn with a bare loop: decrypt, encrypt, one statement for many rows.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from .surroundings import surroundings

SMALL = 100_000
BATCH = 2_000  # rows of one transaction of the bare loop, as of the rotation
NEWER_KEYS = [f"{name}:AES-256-GCM:{b64encode(secrets.token_bytes(32)).decode()}" for name in "yx"]

ROTATING, ERASING = "rotating a key", "erasing a half (realname_purge)"
#: In the order in which they are run: each finds what the one before has left.
JOBS = {
    "counting (realname_usage)": "realname_usage",
    "sealing": "realname_seal_audit",
    "verifying": "realname_verify_audit",
    ROTATING: "realname_rotate_keys",
    "exporting, in plain text": "export",
    ERASING: "realname_purge",
}


@dataclass(frozen=True)
class Run:
    """What one job took. Its process loads Django and the site first."""

    seconds: float
    megabytes: float


def fill(rows: int) -> None:
    """That many genuine records and unsealed events, until now, in place of what there was."""
    from django.core.management import call_command
    from django.utils.timezone import now

    from .filling import fill

    call_command("flush", interactive=False, verbosity=0, allow_cascade=True)
    began = time.perf_counter()
    fill(rows, end=now(), unsealed=rows)
    _say(f"{rows:,} records made in {time.perf_counter() - began:.0f} s")


def runs(rows: int) -> dict[str, Run]:
    """Each job, with that many rows to work on."""
    from .filling import STEP

    server, made = os.environ["DATABASE_URL"].rpartition("/")[0], os.environ["BENCHMARK_DATABASE"]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "DATABASE_URL": f"{server}/{made.rpartition('/')[2]}",
    }
    found = {}
    for name, job in JOBS.items():
        if name == ROTATING:
            keys = [*NEWER_KEYS, os.environ["WX_REALNAME_ENCRYPTION_KEYS"]]
            environment["WX_REALNAME_ENCRYPTION_KEYS"] = ",".join(keys)
        if name == ERASING:
            days = max(1, rows * STEP // timedelta(days=2))
            environment["WX_REALNAME_RETENTION_DAYS"] = str(days)
        found[name] = _run(job, environment)
    return found


def _run(job: str, environment: dict[str, str]) -> Run:
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.batch", "--job", job]
    said = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True).stdout
    run = Run(time.perf_counter() - began, float(said.split()[-1]))
    _say(f"  {job}: {run.seconds:.1f} s, {run.megabytes:.0f} MB")
    return run


def work(job: str) -> None:
    """Do the job, and print the megabytes that it took at the most; for a process of its own."""
    import django
    from django.core.management import call_command

    django.setup()
    with Path(os.devnull).open("w") as nowhere:
        if job == "export":
            export(nowhere)
        else:
            call_command(job, stdout=nowhere)
    # not the peak that the kernel tells a parent: it begins with the parent's own, before the exec
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    print(int(found[1]) / 1024)


def export(file: TextIO) -> None:
    """Every record as CSV in plain text, as the console streams it."""
    from wx_realname.admin.spreadsheet import as_lines
    from wx_realname.models import Verification
    from wx_realname.services import export as exported

    rows = Verification.objects.all()
    with closing(exported(rows, actor=None, plain=True, reason="a benchmark")) as records:
        for part in as_lines(records):
            file.write(part.decode())


# --- an export beside one that names nobody ----------------------------------------------------


def naming(rows: int, rounds: int) -> list[float]:
    """The pace of an export that names its records, as a part of the same export's without, by round."""
    from unittest import mock

    from wx_realname.models import AuditAccess
    from wx_realname.services import trust
    from wx_realname.services.disclosure import export as exporting

    def timed() -> float:
        began = time.perf_counter()
        with Path(os.devnull).open("w") as nowhere:
            export(nowhere)
        return time.perf_counter() - began

    ratios = []
    for number in range(rounds):
        before = AuditAccess.objects.count()
        named = timed()
        reached = AuditAccess.objects.count() - before
        assert reached == rows, (reached, rows)
        with mock.patch.object(
            exporting, "_named", lambda rows, origin, begun: trust.vouched(rows)
        ):
            unnamed = timed()
        ratios.append(unnamed / named)
        _say(f"  export, round {number + 1}: {unnamed:.1f} s, with {rows:,} names {named:.1f} s")
    return ratios


# --- the rotation beside a bare loop ----------------------------------------------------------


def rotation(rounds: int) -> list[float]:
    """The bare loop's time as a part of the rotation's, round by round: 1 is as fast."""
    from django.conf import settings

    from wx_realname.services.upkeep.rotation import rotate_keys

    def timed(work: Callable[[], Any]) -> float:
        keys = settings.WX_REALNAME["ENCRYPTION_KEYS"]
        settings.WX_REALNAME["ENCRYPTION_KEYS"] = keys[::-1]  # each turn has all to do anew
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    first = settings.WX_REALNAME["ENCRYPTION_KEYS"][0]
    settings.WX_REALNAME["ENCRYPTION_KEYS"] = [NEWER_KEYS[1], first]
    timed(bare_rotation), timed(lambda: list(rotate_keys()))  # warms up
    ratios = []
    for number in range(rounds):
        bare, ours = timed(bare_rotation), timed(lambda: list(rotate_keys()))
        ratios.append(bare / ours)
        _say(f"  rotation, round {number + 1}: bare {bare:.1f} s, ours {ours:.1f} s")
    return ratios


def bare_rotation() -> None:
    """Read all, decrypt, encrypt, write: no other run, no erasure and no reader is thought of."""
    from django.db import connection, transaction

    from wx_realname.models import Verification, encrypted_field

    table = connection.ops.quote_name(Verification._meta.db_table)
    columns = ("real_name_encrypted", "credential_id_encrypted")
    name, number = (encrypted_field(column).cipher() for column in columns)
    read = f"SELECT id, {', '.join(columns)} FROM {table} WHERE {columns[0]} IS NOT NULL"  # noqa: S608

    def renewed(row: tuple[Any, ...]) -> tuple[Any, ...]:
        id_, *sealed = row
        bound = id_.bytes if hasattr(id_, "bytes") else bytes.fromhex(id_)
        pairs = zip((name, number), map(bytes, sealed), strict=True)
        return *(key.encrypt(key.decrypt(each, bound), bound) for key, each in pairs), id_

    with connection.cursor() as cursor:
        cursor.execute(read)
        rows = cursor.fetchall()
    for start in range(0, len(rows), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            _write(cursor, table, [renewed(row) for row in rows[start : start + BATCH]])


def _write(cursor: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
    if cursor.db.vendor == "postgresql":
        cursor.execute(
            f"UPDATE {table} AS stored SET real_name_encrypted = new.name, "  # noqa: S608
            "credential_id_encrypted = new.number FROM unnest(%s::bytea[], %s::bytea[], %s::uuid[]) "
            "AS new(name, number, id) WHERE stored.id = new.id",
            [list(column) for column in zip(*rows, strict=True)],
        )
        return
    cursor.executemany(
        f"UPDATE {table} SET real_name_encrypted = %s, credential_id_encrypted = %s "  # noqa: S608
        "WHERE id = %s",
        rows,
    )


# --- the table --------------------------------------------------------------------------------


def table(sizes: dict[int, dict[str, Run]]) -> Iterator[str]:
    """A line a job: rows dealt with in a second and peak memory at either size, and the memory's ratio."""
    small, large = sizes
    yield f"{'job':34} {f'{small:,} rows':>24} {f'{large:,} rows':>24}   memory"
    for name in JOBS:
        cells = [
            f"{rows / (1 + (name == ERASING)) / found[name].seconds:,.0f}/s, "
            f"{found[name].megabytes:.0f} MB"
            for rows, found in sizes.items()
        ]
        ratio = sizes[large][name].megabytes / sizes[small][name].megabytes
        yield f"{name:34} {cells[0]:>24} {cells[1]:>24}   × {ratio:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5, help="of the rotation and the bare loop")
    parser.add_argument(
        "--naming", action="store_true", help="only an export beside one that names nobody"
    )
    parser.add_argument("--job", help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.rows <= SMALL:
        parser.error(f"--rows: more than {SMALL:,}, to tell what grows")
    if options.job:
        work(options.job)
        return
    with surroundings(os.environ.get("DATABASE_URL")):
        from django.db import connection

        _say(f"batch work on {connection.vendor}")
        fill(SMALL)
        if options.naming:
            what = f"an export that names its {SMALL:,} records"
            print(paces(what, naming(SMALL, options.rounds)))
            return
        ratios = rotation(options.rounds)
        sizes = {SMALL: runs(SMALL)}
        fill(options.rows)
        sizes[options.rows] = runs(options.rows)
    for line in table(sizes):
        print(line)
    print(paces("rotation", ratios))


def paces(what: str, ratios: list[float]) -> str:
    """A line: the median round, with the slowest and the fastest."""
    return (
        f"{what}: {statistics.median(ratios):.0%} of the rows a second of what does less "
        f"({min(ratios):.0%} to {max(ratios):.0%} of {len(ratios)} rounds)"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
