"""Nothing is lost: the campaign, short on SQLite, and long on PostgreSQL and Redis that come and go."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.campaign import TIMEOUTS, Books, Campaign, figures
from tests.e2e.campaign_page import EXCHANGES, write
from tests.e2e.servers import going_away, running
from tests.e2e.site import Site
from wx_realname.sandbox import Merchant, Sandbox

SEED = int(os.environ.get("CAMPAIGN_SEED", "20261123"))
SHORT, LONG = 100, int(os.environ.get("CAMPAIGN_EXCHANGES", "10000"))


@pytest.fixture
def unkind(merchant: Merchant) -> Iterator[Sandbox]:
    with Sandbox([merchant], profile="unkind", seed=SEED, rate=0.2) as sandbox:
        yield sandbox


def worker_killed(site: Site) -> Callable[[], None]:
    dice = random.Random(SEED)

    def kill_worker() -> None:
        site.kill_a_worker(dice.choice)

    return kill_worker


@pytest.mark.long
def test_a_short_campaign_on_sqlite(
    make_site: Callable[..., Site], unkind: Sandbox, tmp_path: Path
) -> None:
    site = make_site(unkind.url, **TIMEOUTS)
    site.start(workers=2, threads=8)
    campaign = Campaign(
        site, unkind, exchanges=SHORT, seed=SEED, trouble=[worker_killed(site)], pause=2
    )
    campaign.run(threads=16)
    campaign.sweep()
    books = campaign.books(site.log.read_text())
    assert books.faults() == dict.fromkeys(books.faults(), 0), f"seed {SEED}"
    assert figures(books)["status"]["verified"] > SHORT / 2
    the_books_find_what_is_planted(books)


def the_books_find_what_is_planted(books: Books) -> None:
    verified = [token for token, row in books.rows.items() if row["status"] == "verified"]
    lies: list[tuple[dict[str, Any], list[int]]] = [
        ({"status": "failed", "in_doubt": False}, [0, 5]),
        ({"name": "somebody else"}, [1]),
        ({"attempts": 0, "ends": []}, [2]),
        ({"status": "pending"}, [0, 3, 5]),
        ({"ends": [1, 1]}, [4]),
    ]
    for token, (lie, places) in zip(verified, lies, strict=False):
        rows = books.rows | {token: books.rows[token] | lie}
        found = list(Books(books.tickets, rows, books.calls, books.logs).faults().values())
        assert [place for place, count in enumerate(found) if count] == places, lie
    leaked = Books(books.tickets, books.rows, books.calls, f"x{verified[0]}x").faults()
    assert leaked["secrets in a log"] == 1


@pytest.mark.campaign
def test_a_long_campaign_on_postgresql_and_redis(
    make_site: Callable[..., Site], unkind: Sandbox, tmp_path: Path
) -> None:
    with running(tmp_path) as (postgres, redis):
        servers = {"DATABASE_URL": postgres.url, "CACHE_URL": redis.url}
        site = make_site(unkind.url, **TIMEOUTS, **servers)
        site.start(workers=2, threads=16)
        kill = worker_killed(site)
        trouble = [kill, kill, *going_away(postgres, redis)]
        campaign = Campaign(site, unkind, exchanges=LONG, seed=SEED, trouble=trouble, pause=8)
        campaign.run(threads=32)
        campaign.sweep()
        logs = "".join(log.read_text() for log in (site.log, postgres.log, redis.log))
        books = campaign.books(logs)
    faults = books.faults()
    write("campaign.md", EXCHANGES, books, faults, campaign.struck)
    assert faults == dict.fromkeys(faults, 0), f"seed {SEED}"
