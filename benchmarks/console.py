"""How fast the console's pages are at ten thousand rows and at many more: `python -m benchmarks.console`.

It makes two databases of its own beside the one that DATABASE_URL names (SQLite in a temporary folder
by default), asks for each page of both in turn, and prints the ratio of the times: medians over the
rounds, with the lowest and the highest. The machine's noise hits both sizes alike.

`--links N`: the pages of who looked instead, at ten thousand links from events to records and at N, with
ten thousand records each. What is asked for is the same at both: a record that was revealed 60 times, and
an account that reached 60 records.

Both histories end now, 12,000 rows a day. Ten thousand rows are less than a day, so the overview's ratio
compares a day's statistics with a month's, once they are counted; what counting cost is told apart.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

SMALL = 10_000
PAGES_DOWN = 100
ADMIN = "/admin/wx_realname/"

Ask = Callable[["Client"], Any]


def get(address: str) -> Ask:
    return lambda client: client.get(ADMIN + address)


def find(**what: str) -> Ask:
    return lambda client: client.post(f"{ADMIN}verification/find/", what)


def day(model: str) -> Ask:
    """A day of which even the small site has hours: in the middle of its history."""

    def ask(client: Client) -> Any:
        from django.utils.timezone import localdate, now

        from benchmarks.filling import STEP

        middle = localdate(now() - SMALL / 2 * STEP)
        return client.get(f"{ADMIN}{model}/?since={middle}&until={middle}")

    return ask


def quarter(model: str) -> Ask:
    """The last ninety days."""

    def ask(client: Client) -> Any:
        from datetime import timedelta

        from django.utils.timezone import localdate

        return client.get(f"{ADMIN}{model}/?since={localdate() - timedelta(days=90)}")

    return ask


def account(model: str, parameter: str) -> Ask:
    """What the history has of its first user: every fiftieth row, and a few more."""

    def ask(client: Client) -> Any:
        from django.contrib.auth import get_user_model

        first = get_user_model().objects.get(username="citizen-0").pk
        return client.get(f"{ADMIN}{model}/?{parameter}={first}")

    return ask


def after_pages(model: str) -> Ask:
    """The page to which a hundred clicks on "Older" lead; the clicks are made once."""
    places: dict[int, str] = {}

    def ask(client: Client) -> Any:
        address = places.get(id(client)) or _followed(client, f"{ADMIN}{model}/")
        places[id(client)] = address
        return client.get(address)

    return ask


def _followed(client: Client, start: str) -> str:
    address = start
    for _ in range(PAGES_DOWN):
        found = re.search(r'<a href="([^"]*older=[^"]*)"', client.get(address).content.decode())
        assert found, f"{address} has no page below it"
        address = start + unescape(found[1])
    return address


def accesses(client: Client) -> Any:
    """Who looked at a citizen's record, as the citizen asks."""
    from wx_realname.models import Verification

    row = Verification.objects.filter(status="verified").order_by("pk").select_related("user")[0]
    assert row.user
    user = {"X-User": row.user.get_username()}
    return client.get(f"/api/realname/verifications/{row.pk}/accesses/", headers=user)


def affected(**what: str) -> Ask:
    """Whom an account reached since yesterday."""

    def ask(client: Client) -> Any:
        from datetime import timedelta

        from django.utils.timezone import localdate

        days = {"first_day": localdate() - timedelta(days=1), "last_day": localdate()}
        answer = client.post(f"{ADMIN}auditevent/affected/", what | days)
        assert b"".join(answer)  # a file is made while it is sent
        return answer

    return ask


#: What is measured with --links.
LINKED: dict[str, Ask] = {
    "who looked, to the citizen": accesses,
    "whom an account reached": affected(account="citizen-0"),
    "the same as a file": affected(account="citizen-0", file="1"),
}
#: What is measured. A further page of the console is one more line.
PAGES: dict[str, Ask] = {
    "verifications": get("verification/"),
    "verifications, 100 pages down": after_pages("verification"),
    "verifications, oldest": get("verification/?newer=oldest"),
    "verifications, a common status": get("verification/?status=verified"),
    "verifications, a rare status": get("verification/?status=unknown"),
    "verifications, merchant": get("verification/?merchant=default"),
    "verifications, method": get("verification/?method=check"),
    "verifications, errcode": get("verification/?errcode=94006"),
    "verifications, error code": get("verification/?error_code=misconfigured"),
    "verifications, user": account("verification", "user"),
    "verifications, day": day("verification"),
    "verifications, quarter": quarter("verification"),
    "find by number": find(credential_id="440524198001010013"),
    "find by a rare name": find(real_name="欧阳娜"),
    "find by a common name": find(real_name="张伟"),
    "audit events": get("auditevent/"),
    "audit events, 100 pages down": after_pages("auditevent"),
    "audit events, oldest": get("auditevent/?newer=oldest"),
    "audit events, event": get("auditevent/?event=exchange_abandoned"),
    "audit events, status": get("auditevent/?status=unknown"),
    "audit events, merchant": get("auditevent/?merchant=default"),
    "audit events, method": get("auditevent/?method=check"),
    "audit events, errcode": get("auditevent/?errcode=94006"),
    "audit events, error code": get("auditevent/?error_code=misconfigured"),
    "audit events, officer": account("auditevent", "actor"),
    "audit events, user": account("auditevent", "user"),
    "audit events, day": day("auditevent"),
    "audit events, quarter": quarter("auditevent"),
    "overview": get("hourlystatistic/"),
}


class Site:
    """A database of that many rows until then, made, filled and counted, and a clerk who is logged in."""

    def __init__(self, rows: int, links: int, end: datetime) -> None:
        from django.db import connection

        from benchmarks.filling import fill, fill_accesses
        from tests.console import staff

        self._beside, began = str(connection.settings_dict["NAME"]), time.perf_counter()
        connection.settings_dict["TEST"]["NAME"] = f"{self._beside}_{links or rows}_rows"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        self._name = str(connection.settings_dict["NAME"])
        fill(rows, end=end)
        if links:
            fill_accesses(links, end=end)
        self._pages = LINKED if links else PAGES
        made = time.perf_counter()
        counted = _count()
        took = time.perf_counter() - made
        self._client = staff("view_verification", "view_auditevent", "view_hourlystatistic")
        self._switch_to(self._beside)
        print(f"{links or rows:,} rows made in {made - began:.0f} s", flush=True)
        print(f"  counted for the overview in {1e6 * took / counted:.1f} s per million", flush=True)

    def times(self) -> dict[str, float]:
        """Seconds that each page took; the first of all is asked for once more, on the new connection."""
        self._switch_to(self._name)
        try:
            self._timed(next(iter(self._pages.values())))
            return {name: self._timed(ask) for name, ask in self._pages.items()}
        finally:
            self._switch_to(self._beside)

    def _timed(self, ask: Ask) -> float:
        began = time.perf_counter()
        answer = ask(self._client)
        took = time.perf_counter() - began
        assert answer.status_code == 200, answer
        return took

    def remove(self) -> None:
        from django.db import connection

        self._switch_to(self._name)
        connection.creation.destroy_test_db(self._beside, verbosity=0)

    def _switch_to(self, name: str) -> None:
        from django.db import connection

        connection.close()
        connection.settings_dict["NAME"] = name


def _count() -> int:
    """Bring the statistics up to date, as `realname_usage` does; how many attempts were counted."""
    from benchmarks.filling import analyze
    from wx_realname.models import HourlyStatistic
    from wx_realname.statistics import roll_up

    counted = sum(roll_up())
    analyze(HourlyStatistic)
    return counted


@contextmanager
def sites(*sizes: tuple[int, int]) -> Iterator[list[Site]]:
    """Of so many rows and links each."""
    from django.utils.timezone import now

    made: list[Site] = []
    end = now()
    try:
        for rows, links in sizes:
            made.append(Site(rows, links, end))
        yield made
    finally:
        for site in made:
            site.remove()


def main() -> None:
    options = _options()
    os.environ["TEST_DATABASE_URL"] = os.environ.get("DATABASE_URL", "sqlite:///")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    _set_up()
    sizes = [(SMALL, 0), (options.rows, 0)]
    if options.links:
        sizes = [(SMALL, SMALL), (SMALL, options.links)]
    with sites(*sizes) as (small, large):
        small.times(), large.times()  # clicks down, and fills caches
        rounds = [(small.times(), large.times()) for _ in range(options.rounds)]
    for line in table(rounds, options.links or options.rows):
        print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


def _set_up() -> None:
    from django.conf import settings
    from django.db import connection

    settings.ALLOWED_HOSTS = ["testserver"]
    print(f"console on {connection.vendor}", flush=True)


def table(rounds: list[tuple[dict[str, float], dict[str, float]]], rows: int) -> Iterator[str]:
    """A line a page: median times at both sizes, and the median ratio with the lowest and highest."""
    yield f"{'page':34} {SMALL:>9,} {rows:>10,}   ratio (lowest to highest of {len(rounds)} rounds)"
    for name in rounds[0][0]:
        pairs = [(small[name], large[name]) for small, large in rounds]
        ratios = sorted(large / small for small, large in pairs)
        small, large = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
        yield (
            f"{name:34} {small:6.1f} ms {large:7.1f} ms   "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
