"""No face is lost and none is false: the campaign of faces, short on SQLite, long on PostgreSQL and Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.e2e.campaign import figures
from tests.e2e.campaign_page import FACES, write
from tests.e2e.databases import Database, new_database
from tests.e2e.face_campaign import FACE_TIMEOUTS, FaceBooks, FaceCampaign
from tests.e2e.servers import going_away, running
from tests.e2e.site import Site
from tests.e2e.test_campaign import SEED, worker_killed
from wx_realname.sandbox import Merchant, Sandbox

SHORT, LONG = 40, int(os.environ.get("CAMPAIGN_FACES", "2000"))


class Clock:
    """WeChat's, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def unkind(merchant: Merchant, clock: Clock) -> Iterator[Sandbox]:
    with Sandbox([merchant], profile="unkind", seed=SEED, rate=0.2, clock=clock) as sandbox:
        yield sandbox


def columns(database: Database) -> bytes:
    """All that the app's tables hold, as it lies there."""
    tables = [model._meta.db_table for model in apps.get_app_config("wx_realname").get_models()]
    rows = (row for table in tables for row in database.rows(f"SELECT * FROM {table}"))  # noqa: S608
    return b"\n".join(_bytes(value) for row in rows for value in row)


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()


def cached(url: str) -> bytes:
    """Every key and value of the cache."""
    from redis import Redis as Client

    cache = Client.from_url(url)
    keys = list(cache.scan_iter())
    return b"\n".join([*keys, *(cache.get(key) or b"" for key in keys)])


def of_faces(
    site: Site, unkind: Sandbox, clock: Clock, count: int, trouble: list[Callable[[], None]]
) -> FaceCampaign:
    rest: dict[str, Any] = {"exchanges": count, "seed": SEED, "trouble": trouble, "pause": 8}
    return FaceCampaign(site, unkind, move_clock=clock.move, **rest)


@pytest.mark.long
def test_a_short_campaign_on_sqlite(
    make_site: Callable[..., Site],
    unkind: Sandbox,
    clock: Clock,
    tmp_path: Path,
    django_db_blocker: Any,
) -> None:
    with django_db_blocker.unblock(), new_database("sqlite", tmp_path) as database:
        site = make_site(unkind.url, DATABASE_URL=database.url, **FACE_TIMEOUTS)
        site.start(workers=2, threads=8)
        trouble = [worker_killed(site)]
        campaign = of_faces(site, unkind, clock, SHORT, trouble)
        campaign.run(threads=8)
        campaign.sweep()
        books = campaign.books(site.log.read_bytes() + columns(database))
    assert books.faults() == dict.fromkeys(books.faults(), 0), f"seed {SEED}"
    assert figures(books)["status"]["verified"] > SHORT / 2
    the_books_find_what_is_planted(books)


def the_books_find_what_is_planted(books: FaceBooks) -> None:
    verified = next(
        record for face in books.tickets for record, said in face.answers if said == "verified"
    )
    lies: list[tuple[dict[str, Any], list[int]]] = [
        ({"status": "failed"}, [1, 6]),
        ({"status": "waiting"}, [1, 2, 6]),
        ({"status": "pending"}, [1, 3, 6]),
        ({"name": "somebody else"}, [0]),
        ({"calls": []}, [0]),  # WeChat was never asked
        ({"sealed": True}, [4]),
        ({"ends": [1, 1]}, [5]),
    ]
    for lie, places in lies:
        rows = books.rows | {verified: books.rows[verified] | lie}
        found = list(replace(books, rows=rows).faults().values())
        assert [place for place, count in enumerate(found) if count] == places, lie
    face = next(face for face in books.tickets if face.verify_ids)
    for word in face.planted:
        leaked = replace(books, elsewhere=f"x{word}x".encode()).faults()
        assert leaked["planted words in a log, the cache or a column"] >= 1


@pytest.mark.campaign
def test_a_long_campaign_on_postgresql_and_redis(
    make_site: Callable[..., Site],
    unkind: Sandbox,
    clock: Clock,
    tmp_path: Path,
    django_db_blocker: Any,
) -> None:
    with running(tmp_path) as (postgres, redis), django_db_blocker.unblock():
        site = make_site(
            unkind.url, **FACE_TIMEOUTS, DATABASE_URL=postgres.url, CACHE_URL=redis.url
        )
        site.start(workers=2, threads=16)
        kill = worker_killed(site)
        trouble = [kill, kill, *going_away(postgres, redis)]
        campaign = of_faces(site, unkind, clock, LONG, trouble)
        campaign.run(threads=32)
        cache = cached(redis.url)
        campaign.sweep()
        swept = cached(redis.url)
        assert swept  # the access_token at least: nothing befell Redis since
        logs = b"".join(log.read_bytes() for log in (site.log, postgres.log, redis.log))
        kept = columns(Database(postgres.url))
        books = campaign.books(logs + cache + swept + kept)
    faults = books.faults()
    write("campaign-faces.md", FACES, books, faults, campaign.struck)
    assert faults == dict.fromkeys(faults, 0), f"seed {SEED}"
