"""Every query of the console, and of what runs beside it, is answered by its index.

The queries are those that the views and services really make, on thousands of rows and
with statistics up to date: the planner of the database in TEST_DATABASE_URL chooses by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from datetime import timezone as tz
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from benchmarks.filling import COMMON_NAME, NAME, NUMBER, STEP, analyze, fill, fill_accesses
from tests.cases import each
from tests.console import FIND, page, staff
from tests.plans import ACCESSES, EVENTS, RECORDS, SEALS, STATISTICS, Plan, check, plans
from wx_realname import audit
from wx_realname.admin.alarms import alarms
from wx_realname.admin.integrity import glance
from wx_realname.models import AuditEvent, HourlyStatistic, Verification
from wx_realname.services import keyset
from wx_realname.services.upkeep import purge, rotation, settle
from wx_realname.services.verification.recording import _came_before

# Of fewer, MariaDB reads all when a batch of an export is wanted: that is the faster way there. Half of them
# hold a page of what is rare, and the second day more than a batch.
ROWS = {"mysql": 60_000, "postgresql": 20_000}.get(connection.vendor, 14_000)
#: Of the statistics: two years where the planner counts rows, four months for SQLite, which does not.
HOURS = 2 * 365 * 24 // (6 if connection.vendor == "sqlite" else 1)
BEGIN = datetime(2025, 1, 1, tzinfo=tz.utc)
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        connection.vendor == "unheard-of", reason="a plan is read in its database's own form"
    ),
]
PLACES = ("", "older", "newer", "oldest", "day")

#: Of each list: a filter that is rare, and the index that answers it.
RARE = {
    "verification": {
        "": "wx_realname_created",
        "status=unknown": "wx_realname_by_status",
        "merchant=other": "wx_realname_by_merchant",
        "method=check": "wx_realname_by_method",
        "errcode=94006": "wx_realname_by_errcode",
        "error_code=misconfigured": "wx_realname_by_error",
        "user={first}": "wx_realname_user_created",
    },
    "auditevent": {
        "": "wx_realname_audit_created",
        "event=exchange_abandoned": "wx_realname_audit_event",
        "status=unknown": "wx_realname_audit_status",
        "merchant=other": "wx_realname_audit_merchant",
        "method=check": "wx_realname_audit_method",
        "errcode=94006": "wx_realname_audit_errcode",
        "error_code=misconfigured": "wx_realname_audit_error",
        "actor={first}": "wx_realname_audit_actor",
        "user={first}": "wx_realname_audit_user",
    },
}
#: Where nearly every row passes the filter, the list's own index is as good.
COMMON = {
    "verification": ("status=verified", "merchant=default", "method=authorize"),
    "auditevent": ("event=exchange", "status=verified", "merchant=default", "method=authorize"),
}


@pytest.fixture(scope="module", autouse=True)
def _years_of_life(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        fill(ROWS, end=BEGIN + ROWS * STEP)
        fill_accesses(ROWS, end=BEGIN + ROWS * STEP)
        _fill_statistics()
        yield
        call_command("flush", interactive=False, verbosity=0)


def _fill_statistics() -> None:
    """By hour: of all together, and of two merchants."""
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    counted = {"attempts": 1, "peak": 1, "outcomes": [], "durations": [0] * 22, "complete": True}
    HourlyStatistic.objects.bulk_create(
        HourlyStatistic(hour=hour, peak_at=hour, merchant=merchant, method="authorize", **counted)
        for hour in (last - n * timedelta(hours=1) for n in range(HOURS))
        for merchant in ("", "default", "other")
    )
    analyze(HourlyStatistic)


@pytest.fixture(autouse=True)
def _two_merchants(db: None, settings: Any, configure: Callable[..., None]) -> None:
    merchants = settings.WX_REALNAME["MERCHANTS"]
    configure(MERCHANTS=merchants | {"other": merchants["default"]})


@pytest.fixture
def clerk() -> Client:
    return staff("view_verification", "view_auditevent", "export_plaintext", "reveal_verification")


def asks(client: Client, url: str, **posted: str) -> Callable[[], None]:
    """Ask for the page, or post to it."""

    def ask() -> None:
        assert (client.post(url, posted) if posted else client.get(url)).status_code == 200

    return ask


# --- the lists --------------------------------------------------------------------------------


def address(model: str, query: str, place: str) -> str:
    middle = str(keyset.Place(BEGIN + ROWS / 2 * STEP, Verification().pk))
    further = {
        "": "",
        "older": f"older={middle}",
        "newer": f"newer={middle}",
        "oldest": f"newer={keyset.BOTTOM}",
        "day": f"since={BEGIN:%Y-%m-%d}&until={BEGIN:%Y-%m-%d}",
    }[place]
    return f"{page(model)}?{'&'.join(part for part in (query, further) if part)}"


def listed(model: str, query: str, place: str) -> list[Plan]:
    """Of the list itself. Its page isn't rendered: nothing more is asked for that."""
    request = RequestFactory().get(address(model, query, place))
    request.user = get_user_model().objects.get(username="clerk")
    admin = site.get_model_admin(apps.get_model("wx_realname", model))

    def ask() -> None:
        assert admin.changelist_view(request).status_code == 200

    return [plan for plan in plans(ask, f"wx_realname_{model}") if "LIMIT 51" in plan.sql]


@each("place", PLACES)
@each(("model", "query"), [(model, query) for model, all_ in RARE.items() for query in all_])
def test_a_list_is_read_by_its_index_from_every_place(
    clerk: Client, model: str, query: str, place: str
) -> None:
    wanted, first = {RARE[model][query]}, get_user_model().objects.get(username="citizen-0")
    if place == "day" and query:  # a day's rows may be fewer than the filter's
        wanted.add(RARE[model][""])
    (found,) = listed(model, query.format(first=first.pk), place)
    check(found, wanted)


@each("place", PLACES)
@each(("model", "query"), [(model, query) for model, all_ in COMMON.items() for query in all_])
def test_a_filter_that_nearly_every_row_passes_is_read_in_order(
    clerk: Client, model: str, query: str, place: str
) -> None:
    own = next(index for rare, index in RARE[model].items() if rare.startswith(query[:5]))
    (found,) = listed(model, query, place)
    check(found, {own, RARE[model][""]})


# --- the pages beside them --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ({"credential_id": NUMBER}, "wx_realname_credential"),
        ({"real_name": NAME}, "wx_realname_name"),
        ({"real_name": COMMON_NAME}, "wx_realname_name"),  # every tenth citizen's: see below
        ({"real_name": NAME, "credential_id": NUMBER}, "wx_realname_name"),
    ],
    ids=["number", "rare name", "common name", "both"],
)
def test_a_person_is_found_by_the_blind_indexes(
    clerk: Client, what: dict[str, str], index: str
) -> None:
    also = {
        NAME: {"wx_realname_credential"} if len(what) == 2 else set(),
        COMMON_NAME: {"wx_realname_created"},  # two hundred of them are soon met in the list
    }
    first, *others = plans(asks(clerk, FIND, **what), RECORDS)
    check(first, {index} | also.get(what.get("real_name", ""), set()), may_sort=True)
    for found in others:
        if "_encrypted" in found.sql:  # what was found is compared with its trail
            check(found, primary(RECORDS))
            continue
        of_keys = "index_key_id" in found.sql.partition("WHERE")[2]
        index = "wx_realname_index_key" if of_keys else "wx_realname_credential"
        check(found, {index}, may_sort=not of_keys)


def primary(table: str) -> set[str]:
    """What each database calls the index of a primary key."""
    return {f"{table}_pkey", f"sqlite_autoindex_{table}_1", "PRIMARY"}


def test_a_record_and_its_trail_are_found_by_its_id(clerk: Client) -> None:
    row = Verification.objects.filter(status="verified").first()
    assert row
    ask = asks(clerk, page("verification", row.pk, "change"))
    for found in plans(ask, RECORDS):
        check(found, primary(RECORDS))
    for found in plans(ask, EVENTS):
        check(found, {"wx_realname_audit_record"}, may_sort=True)


def test_who_looked_is_found_by_the_record(api: Callable[[str], Any]) -> None:
    row = Verification.objects.filter(status="verified").order_by("pk")[0]
    assert row.user
    client = api(row.user.get_username())

    def ask() -> None:
        first = client.get(f"/api/realname/verifications/{row.pk}/accesses/").json()
        assert len(first["results"]) == 20 and client.get(first["next"]).status_code == 200

    for found in plans(ask, ACCESSES):
        check(found, {"wx_realname_access_record"})
    for found in plans(ask, EVENTS):
        check(found, primary(EVENTS) | {"wx_realname_audit_record"}, may_sort=True)


def test_whom_an_account_reached_is_found_by_its_events() -> None:
    clerk, end = staff("view_auditevent"), BEGIN + ROWS * STEP
    days = {"first_day": f"{end - timedelta(days=1):%Y-%m-%d}", "last_day": f"{end:%Y-%m-%d}"}

    def ask() -> None:
        answer = clerk.post(page("auditevent", "affected"), {"account": "citizen-0"} | days)
        assert "60 records were reached" in answer.content.decode()

    for found in plans(ask, RECORDS):
        check(found, primary(RECORDS))
    for found in plans(ask, ACCESSES):
        check(found, {"wx_realname_access_event"}, may_sort=True)
        check(found, {"wx_realname_audit_actor", "wx_realname_audit_created"}, may_sort=True)


def test_the_glance_at_the_trails_integrity_reads_two_indexes() -> None:
    (unsealed,) = plans(glance, EVENTS)
    check(unsealed, {"wx_realname_audit_seal"})
    assert "Sort" not in unsealed.told, unsealed.told
    (last,) = plans(glance, SEALS)
    assert not last.sorts


def test_refused_searches_are_found_by_an_index_of_their_day() -> None:
    for found in plans(alarms, EVENTS):
        one_of = {f"wx_realname_audit_{name}" for name in ("error", "event", "created")}
        check(found, one_of, may_sort=True)


def test_a_sealer_takes_its_batch_in_the_order_of_the_index() -> None:
    read = plans(lambda: next(audit.seal(batch_size=50)), EVENTS)
    (found, *_) = (plan for plan in read if "ORDER BY" in plan.sql)
    check(found, {"wx_realname_audit_seal"})
    assert "Sort" not in found.told, found.told


@pytest.mark.parametrize(
    "query", ["", "status=unknown", "status=verified", "since=2024-12-31&until=2024-12-31"]
)
def test_an_export_reads_batch_after_batch_by_the_lists_index(clerk: Client, query: str) -> None:
    def ask() -> None:
        export = f"{page('verification', 'export')}?{query}"
        answer = clerk.post(export, {"content": "masked", "reason": "case 1"})
        assert sum(part.count(b"\r\n") for part in answer.streaming_content) > 100

    ordered = {"wx_realname_created", "wx_realname_by_status"}
    batches = [plan for plan in plans(ask, RECORDS) if "LIMIT 1001" in plan.sql]
    assert batches
    for found in batches:
        check(found, ordered)


@pytest.mark.parametrize("merchant", ["", "other"])
def test_the_overview_reads_its_days_of_the_statistics_by_their_index(merchant: str) -> None:
    ask = asks(staff("view_hourlystatistic"), f"{page('hourlystatistic')}?merchant={merchant}")
    unfinished, last, hours, usage = plans(ask, STATISTICS)
    check(unfinished, {"wx_realname_hour_complete"})
    by_hour = {"wx_realname_hour_unique", f"sqlite_autoindex_{STATISTICS}_1"}
    check(last, {"wx_realname_hour_complete", *by_hour})
    check(hours, by_hour)
    check(usage, by_hour, may_sort=True)


# --- what runs beside the console -------------------------------------------------------------


def test_what_is_stuck_is_found_by_its_index() -> None:
    (found, *_) = plans(lambda: next(purge.end_stuck(batch_size=5)), RECORDS)
    check(found, {"wx_realname_stuck"})


def test_what_is_outlived_is_found_by_its_index(configure: Callable[..., None]) -> None:
    configure(RETENTION_DAYS=(timezone.now() - BEGIN).days)  # no row but those of the first day
    (found, *_) = plans(lambda: next(purge.erase_outlived(batch_size=5)), RECORDS)
    check(found, {"wx_realname_retention"})


def test_what_lost_its_user_is_found_by_an_index() -> None:
    (found, *_) = plans(lambda: list(purge.erase_ownerless()), RECORDS)
    check(found, {"wx_realname_user_verified", "wx_realname_user_created"})


@pytest.mark.parametrize("everything", [False, True])
def test_faces_that_are_due_are_found_by_an_index(everything: bool) -> None:
    by_status = {"wx_realname_stuck", "wx_realname_retention", "wx_realname_by_status"}
    for found in plans(lambda: list(settle.settle(everything=everything)), RECORDS):
        check(found, by_status, may_sort=True)


def test_an_answer_that_came_before_is_looked_for_by_its_indexes() -> None:
    row, answers = Verification.objects.all()[0], ["a" * 64, "b" * 64]
    (found,) = plans(lambda: _came_before(row, answers, "default"), RECORDS)
    check(found, {"wx_realname_audit_answer"})
    check(found, {"wx_realname_answer_digest_unique", f"sqlite_autoindex_{RECORDS}_3"})


def test_a_rotation_goes_along_the_primary_key(configure: Callable[..., None]) -> None:
    def first_two() -> None:
        batches = rotation._Run().batches(100)
        next(batches), next(batches)

    configure(ENCRYPTION_KEYS=[f"e2:AES-256-GCM:{'A' * 43}="])
    for found in plans(first_two, RECORDS):
        check(found, primary(RECORDS))


def test_a_users_own_list_is_read_by_its_index(api: Callable[[str], Any]) -> None:
    client = api("citizen-0")  # four hundred records

    def ask() -> None:
        answer = client.get("/api/realname/verifications/")
        assert client.get(answer.json()["next"]).status_code == 200

    for found in plans(ask, RECORDS):
        check(found, {"wx_realname_user_created"})


def test_a_users_current_record_is_found_by_its_index() -> None:
    user = get_user_model().objects.get(username="citizen-7")
    (found,) = plans(lambda: Verification.objects.current_for(user), RECORDS)
    check(found, {"wx_realname_user_verified"}, may_sort=True)  # of the same instant: by id


def test_an_auth_token_is_known_by_its_digest() -> None:
    known = Verification.objects.filter(token_digest__in=["0" * 64, "1" * 64])
    (found,) = plans(known.first, RECORDS)
    assert found.indexes and not found.read_whole, found.told


def test_a_plan_that_reads_the_whole_table_is_noticed() -> None:
    (found,) = plans(lambda: list(Verification.objects.filter(hint="x")), RECORDS)
    assert found.read_whole == {RECORDS}
    (found,) = plans(lambda: list(AuditEvent.objects.filter(seal=1).order_by("reason")), EVENTS)
    assert found.sorts
