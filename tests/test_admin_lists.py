"""The lists: fast at any depth, complete while rows are added, filtered by index only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from tests.cases import each
from tests.console import NOON, page, records, staff, trail
from wx_realname import audit
from wx_realname.admin import backlog, integrity
from wx_realname.admin.filters import usual_ranges
from wx_realname.models import AuditEvent, AuditSeal, Verification
from wx_realname.services import keyset

pytestmark = pytest.mark.django_db
ROW = re.compile(r"/verification/([0-9a-f-]{36})/change/")
BOTH = (
    "status=failed",
    "merchant=default",
    "method=check",
    "errcode=94006",
    "error_code=mismatch",
)
FILTERS = {"verification": BOTH, "auditevent": ("event=search", *BOTH, "actor=clerk")}
EVERY_FILTER = [(model, one) for model, all_ in FILTERS.items() for one in all_]


@pytest.fixture
def clerk() -> Client:
    return staff("view_verification", "view_auditevent")


@pytest.fixture
def _five(db: None) -> None:
    records(5)


def ask(client: Client, of: str, query: str) -> Any:
    """The list's answer, or the export's."""
    if of == "export":
        return client.post(f"{page('verification', 'export')}?{query}", {"content": "masked"})
    return client.get(f"{page('verification')}?{query}")


def link(text: str, name: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)"[^>]*>{name}</a>', text)
    return unescape(found[1]) if found else None


def walked(client: Client, address: str, name: str) -> Iterator[list[str]]:
    """The rows of each page, following the link of that name."""
    start, at = address.partition("?")[0], address
    while at:
        text = client.get(at).content.decode()
        yield list(dict.fromkeys(ROW.findall(text)))
        further = link(text, name)
        at = f"{start}{further}" if further else ""


def newest_first() -> list[str]:
    return [str(row.pk) for row in Verification.objects.order_by("-created_at", "-id")]


def test_pages_are_complete_and_without_repeats_in_both_directions(clerk: Client) -> None:
    records(175)
    down = list(walked(clerk, page("verification"), "Older"))
    assert [len(rows) for rows in down] == [50, 50, 50, 25]
    assert [row for rows in down for row in rows] == newest_first()
    oldest = page("verification") + "?newer=oldest"
    up = list(walked(clerk, oldest, "Newer"))
    assert up[0] == newest_first()[-50:] and up[-1] == newest_first()[:50]
    assert {row for rows in up for row in rows} == set(newest_first())


def test_pages_stay_complete_while_rows_are_added(clerk: Client) -> None:
    records(170)
    before, seen = newest_first(), []
    for turn, rows in enumerate(walked(clerk, page("verification"), "Older")):
        seen += rows
        records(40, first=1000 * (turn + 1))  # newer than all: each pushes the list down
    assert seen == before


def test_a_list_of_one_page_has_no_links(clerk: Client) -> None:
    records(50)
    text = clerk.get(page("verification")).content.decode()
    assert not any(link(text, name) for name in ("Newest", "Newer", "Older", "Oldest"))


def test_a_filter_stays_on_every_page_and_a_new_one_begins_at_the_top(clerk: Client) -> None:
    records(120)
    records(10, first=500, status="rejected", errcode=94004)
    address = page("verification") + "?status=failed"
    assert sum(len(rows) for rows in walked(clerk, address, "Older")) == 120
    second = clerk.get(
        f"{page('verification')}{link(clerk.get(address).content.decode(), 'Older')}"
    )
    text = second.content.decode()
    other = re.findall(r'href="(\?[^"]*status=rejected[^"]*)"', text)
    assert other and "older" not in other[0]
    assert link(text, "Newest") == "?status=failed"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=rejected", 2),
        ("errcode=94004", 2),
        ("errcode=94004&status=failed", 0),
        ("merchant=default", 5),
        ("method=check", 0),
        ("error_code=mismatch", 2),
        ("since=2026-11-22&until=2026-11-22", 3),
        ("since=2026-11-23", 2),
        ("until=2026-11-22", 3),
        ("since=2026-11-22&until=2026-11-23", 5),
        ("since=2026-11-23&until=2026-11-23&status=rejected", 2),
        ("since=&until=&user=", 5),
    ],
)
def test_each_filter_narrows_the_list(clerk: Client, query: str, count: int) -> None:
    records(3)
    later = {"created_at": NOON + timedelta(days=1)}
    later |= {"status": "rejected", "errcode": 94004, "error_code": "mismatch"}
    records(2, first=10, **later)
    text = clerk.get(f"{page('verification')}?{query}").content.decode()
    assert len(set(ROW.findall(text))) == count


def test_a_day_is_the_sites_day(clerk: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    records(1, created_at=NOON.replace(hour=16))  # midnight in China
    for day, count in (("2026-11-22", 0), ("2026-11-23", 1)):
        text = clerk.get(f"{page('verification')}?since={day}&until={day}").content.decode()
        assert len(set(ROW.findall(text))) == count


@each("of", ["list", "export"])
@each(
    "query",
    [
        "status=nonsense",
        "merchant=unknown",
        "errcode=1",
        "errcode=x",
        "error_code=nonsense",
        "user=x",
        "user=4711",
        "user=99999999999999999999999",
        "since=yesterday",
        "until=9999-12-31",
        "since=2026-11-23&until=2026-11-22",
        "older=x",
        "newer=20261122T000000.000000Z_x",
    ],
)
@pytest.mark.usefixtures("_five")
def test_a_value_that_a_filter_does_not_know_is_refused(clerk: Client, query: str, of: str) -> None:
    """Ignored, it would show as an answer what nobody asked for, and export everything."""
    answer = ask(clerk, of, query)
    text = answer.content.decode()
    assert (answer.status_code, ROW.findall(text)) == (400, [])
    value = query.split("=", 1)[1].split("&")[0]
    assert "doesn&#x27;t know the value" in text and value in text
    assert f'href="{page("verification")}"' in text and trail() == []


@each("value", ["nobody", "4711", "9" * 24, "x\0", "<script>"])
def test_an_officer_of_whom_the_trail_knows_nothing_is_refused(clerk: Client, value: str) -> None:
    answer = clerk.get(page("auditevent"), {"actor": value})
    assert answer.status_code == 400 and "<script>alert" not in answer.content.decode()
    assert escape(f"doesn't know the value “{value}”") in answer.content.decode()


def test_the_trail_tells_who_looked_by_name_by_id_and_after_the_account_is_gone(
    clerk: Client,
) -> None:
    officer = User.objects.create(username="officer")
    for actor in (str(officer.pk), "4711"):
        audit.append(AuditEvent.Event.SEARCH, audit.Origin(actor), using="default")

    def listed(value: Any) -> int:
        return len(clerk.get(page("auditevent"), {"actor": value}).context["cl"].result_list)

    assert (listed("officer"), listed(officer.pk), listed("4711")) == (1, 1, 1)
    assert listed(User.objects.get(username="clerk").pk) == 0
    text = clerk.get(page("auditevent")).content.decode()
    assert f'<a href="{page("auditevent")}?actor={officer.pk}">officer ({officer.pk})</a>' in text


def test_a_citizens_id_leads_to_all_that_is_theirs(clerk: Client) -> None:
    citizen = User.objects.create(username="oEx4mple")
    records(2)
    records(1, first=10, user=citizen)
    text = clerk.get(page("verification")).content.decode()
    narrowed = f"{page('verification')}?user={citizen.pk}"
    assert f'<a href="{narrowed}">{citizen.pk}</a>' in text
    assert len(set(ROW.findall(clerk.get(narrowed).content.decode()))) == 1


@each(
    ("today", "ranges"),
    [
        (
            date(2026, 11, 29),
            {
                "Today": ("2026-11-29", "2026-11-29"),
                "This week": ("2026-11-23", "2026-11-29"),
                "This quarter": ("2026-10-01", "2026-11-29"),
                "Last quarter": ("2026-07-01", "2026-09-30"),
            },
        ),
        (date(2026, 1, 1), {"This week": ("2025-12-29", "2026-01-01")}),
        (date(2026, 1, 1), {"Last quarter": ("2025-10-01", "2025-12-31")}),
    ],
)
def test_the_usual_ranges_of_days(today: date, ranges: dict[str, tuple[str, str]]) -> None:
    found = {str(name): (first, last) for name, first, last in usual_ranges(today)}
    assert ranges.items() <= found.items()


def test_a_range_is_one_click_and_keeps_the_other_filters(clerk: Client) -> None:
    text = clerk.get(f"{page('auditevent')}?event=search").content.decode()
    today = f"{timezone.localdate()}"
    assert link(text, "Today") == f"?event=search&since={today}&until={today}"


@each("of", ["list", "export"])
@each(
    "lookup",
    ["real_name_masked__contains", "credential_id_index", "user__password__startswith", "id__in"],
)
def test_no_other_lookup_is_taken_from_the_address(clerk: Client, lookup: str, of: str) -> None:
    """Each would read the whole table, or let a clerk guess at what isn't shown."""
    assert ask(clerk, of, f"{lookup}=x").status_code == 400
    assert trail() == []


def test_order_and_size_are_not_for_the_address_to_choose(clerk: Client) -> None:
    records(60)
    plain = ROW.findall(clerk.get(page("verification")).content.decode())
    for query in ("o=3.1", "all=", "q=x", "_facets=True"):
        assert ROW.findall(clerk.get(f"{page('verification')}?{query}").content.decode()) == plain


@pytest.mark.parametrize("model", ["verification", "auditevent"])
def test_nothing_is_counted_joined_or_made_distinct(clerk: Client, model: str) -> None:
    records(120)
    audit.append(AuditEvent.Event.SEARCH, audit.Origin("1"), using="default")
    for query in ("", *FILTERS[model], "newer=oldest"):
        with CaptureQueriesContext(connection) as queries:
            assert clerk.get(f"{page(model)}?{query}").status_code == 200
        ours = [found["sql"] for found in queries if f"wx_realname_{model}" in found["sql"]]
        assert ours and len(queries) <= 10  # two of them find the officer
        for sql in ours:
            assert not re.search(r"COUNT\(|DISTINCT|JOIN|OFFSET|_encrypted", sql)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
@pytest.mark.usefixtures("_five")
@each("place", ["", "older", "newer", "day"])
@each(("model", "query"), [*EVERY_FILTER, ("verification", ""), ("auditevent", "")])
def test_an_index_answers_each_filter_in_its_order(
    clerk: Client, model: str, query: str, place: str
) -> None:
    somewhere = str(keyset.Place.of(Verification.objects.first()))
    day = f"{NOON:%Y-%m-%d}"
    further = f"since={day}&until={day}" if place == "day" else f"{place}={somewhere}"
    address = f"{page(model)}?{query}{'&' if query else ''}{further if place else ''}"
    with CaptureQueriesContext(connection) as queries:
        assert clerk.get(address).status_code == 200
    (sql, *_) = [
        found["sql"]
        for found in queries
        if re.search(rf'FROM "wx_realname_{model}".*ORDER BY', found["sql"])
        and "LIMIT 51" in found["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "USING INDEX" in plan and "TEMP B-TREE" not in plan
    if query or place:
        assert plan.startswith("SEARCH")


def test_the_unsealed_are_counted_no_further_than_needed(monkeypatch: Any) -> None:
    monkeypatch.setattr(backlog, "MOST", 3)
    for _ in range(5):
        audit.append(AuditEvent.Event.SEARCH, audit.Origin(), using="default")
    list(audit.seal(batch_size=2))[-1]
    AuditEvent.objects.update(seal=None)
    with CaptureQueriesContext(connection) as queries:
        seen = integrity.glance()
    assert (seen.unsealed.count, seen.unsealed.is_more) == (3, True)
    assert not any("members" in found["sql"] or "COUNT" in found["sql"] for found in queries)
    assert AuditSeal.objects.exists()
