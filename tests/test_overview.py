"""The overview: what it draws is what the trail holds."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import InternalError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from tests.cases import each
from tests.conftest import AUTH_TOKEN
from tests.console import ended, page, records, staff
from tests.lying_wechat import LyingWeChat, refuses
from wx_realname import audit, statistics
from wx_realname.admin import alarms, backlog, charts, overview
from wx_realname.admin.charts import Chart, Slot
from wx_realname.exceptions import RealNameError
from wx_realname.models import AuditEvent, HourlyStatistic, Verification
from wx_realname.services import exchange
from wx_realname.services.operation import remedies
from wx_realname.wechat.errcodes import ERRCODES

pytestmark = pytest.mark.django_db
OVERVIEW = page("hourlystatistic")


@pytest.fixture
def clerk() -> Client:
    return staff("view_hourlystatistic")


def shown(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(OVERVIEW + query, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(text: str, caption: str) -> list[list[str]]:
    """The table of that caption, as words."""
    table = re.search(rf"<caption[^>]*>{caption}</caption>(.*?)</table>", text, re.DOTALL)
    assert table
    lines = re.findall(r"<tr.*?</tr>", table[1], re.DOTALL)
    return [
        [
            unescape(re.sub("<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", line)
        ]
        for line in lines
    ]


def test_it_shows_at_once_what_an_exchange_left(
    clerk: Client, liar: LyingWeChat, user: Any
) -> None:
    exchange(user=user, auth_token=AUTH_TOKEN)
    liar.play(refuses(94006))
    with pytest.raises(RealNameError):
        exchange(user=user, auth_token="another")
    list(audit.seal())
    text = shown(clerk)
    assert rows(text, "Outcomes")[1:] == [
        ["verified", "1", "1", "50.0%"],
        ["rejected", "0", "0", "0.0%"],
        ["failed", "1", "1", "50.0%"],
        ["unknown", "0", "0", "0.0%"],
        ["All attempts", "2", "2", ""],
    ]
    (error,) = rows(text, "Errors, and what to do about them")[1:]
    (known,) = (row for row in ERRCODES if row.errcode == 94006)
    who = "who runs the site"
    assert error == ["misconfigured", "94006", known.meaning_en, who, known.remedy_en, "1", "1"]
    assert [line[0] for line in rows(text, "Merchant certificates")[1:]] == ["default"]
    assert "Last seal" in text


def test_a_closed_face_is_an_alarm_with_who_must_do_what(clerk: Client, settings: Any) -> None:
    merchant = settings.WX_REALNAME["MERCHANTS"]["default"]
    least = {name: merchant[name] for name in ("APP_ID", "APP_SECRET")}
    settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": {"default": least}}
    for errcode in (10006, 48001):
        about = {"method": "face", "status": "failed", "error_code": "misconfigured"}
        ended(timezone.now(), errcode=errcode, **about)
    text = shown(clerk, **{"Accept-Language": "zh-hans"})
    for errcode in ("10006", "48001"):
        (alarm,) = re.findall(
            rf'<tr class="wx-care"><th[^>]*>misconfigured</th><td>{errcode}.*?</tr>', text
        )
        assert "行业能力 → 人脸核身" in alarm and "小程序管理员" in alarm
        assert "实名授权" not in alarm  # the button's, which this site hasn't
    assert "wx-certificates" not in text


def test_hours_and_days_are_drawn_and_told_in_numbers(clerk: Client) -> None:
    now = timezone.localtime()
    ended(now, 3)
    ended(
        now - timedelta(hours=26), 2, status="rejected", error_code="no_wechat_pay", errcode=94002
    )
    ended(now - timedelta(days=20), 4)
    ended(now - timedelta(days=31), 5)
    text = shown(clerk)
    hours = rows(text, "The last 48 hours, by hour")[1:]
    assert [line[1:3] for line in hours] == [["0", "2"], ["3", "0"]]
    days = rows(text, "The last 30 days, by day")[1:]
    assert [line[:3] for line in days] == [
        [f"{now - timedelta(days=20):%m-%d}", "4", "0"],
        [f"{now - timedelta(hours=26):%m-%d}", "0", "2"],
        [f"{now:%m-%d}", "3", "0"],
    ]
    assert rows(text, "Outcomes")[-1] == ["All attempts", "3", "9", ""]
    assert len(re.findall(r'<rect class="wx-(?:verified|rejected)"', text)) == 5
    assert f"<title>{now - timedelta(days=20):%m-%d}: verified 4</title>" in text


def test_response_times_are_told_for_a_day_and_a_month(clerk: Client) -> None:
    now = timezone.now()
    ended(now, 1, duration_ms=1_400)
    ended(now - timedelta(days=3), 98, duration_ms=65)
    ended(now - timedelta(days=3), 2, duration_ms=30_000)
    assert rows(shown(clerk), "Response times")[1:] == [
        ["median", "1.5 s", "70 ms"],
        ["95% within", "1.5 s", "70 ms"],
        ["99% within", "1.5 s", "> 20 s"],
    ]


def test_the_peak_is_held_against_what_was_declared(clerk: Client, configure: Any) -> None:
    configure(merchant={"APPLICATION": {"PEAK_CALLS_PER_MINUTE": 5, "DAILY_CALLS": 1_000}})
    noon = timezone.localtime().replace(hour=0, minute=0, second=0) - timedelta(days=1)
    ended(noon, 5)
    assert "More than was declared" not in shown(clerk)
    ended(noon, 1)
    HourlyStatistic.objects.all().delete()
    text = shown(clerk)
    caption = "Calls, beside what was declared to WeChat"
    when = f"{noon:%Y-%m-%d %H:%M}"
    assert rows(text, caption)[1] == [
        *("default", "authorize button", "6", when, "5", "3.0", "1000")
    ]
    assert "More than was declared" in text


def test_one_merchant_alone(clerk: Client, settings: Any, configure: Any) -> None:
    merchants = settings.WX_REALNAME["MERCHANTS"]
    clinic = merchants["default"] | {"MCH_ID": "1900000099"}
    configure(MERCHANTS=merchants | {"clinic": clinic})
    ended(timezone.now(), 2)
    ended(timezone.now(), 1, merchant="clinic")
    assert rows(shown(clerk), "Outcomes")[-1][1] == "3"
    assert rows(shown(clerk, "?merchant=clinic"), "Outcomes")[-1][1] == "1"
    assert "<h1>Overview: clinic</h1>" in shown(clerk, "?merchant=clinic")
    refused = clerk.get(f"{OVERVIEW}?merchant=nobody")
    assert refused.status_code == 400 and "value “nobody”" in refused.content.decode()


def test_faces_that_wait_are_counted_and_an_old_one_is_an_alarm(clerk: Client) -> None:
    assert "wx-waiting" not in shown(clerk)
    now = timezone.now()
    records(2, method="face", status="waiting", errcode=None, created_at=now)
    text = shown(clerk)
    assert "2 are waiting." in text and "realname_settle" not in text
    began = now - timedelta(hours=3)
    records(1, first=9, method="face", status="waiting", errcode=None, created_at=began)
    text = shown(clerk)
    assert "3 are waiting." in text and "3\xa0hours ago" in unescape(text)
    assert "realname_settle" in text


def test_faces_that_wait_are_counted_no_further_than_needed(monkeypatch: Any) -> None:
    monkeypatch.setattr(backlog, "MOST", 3)
    records(5, method="face", status="waiting", errcode=None)
    found = alarms.waiting()
    assert (found.count, found.is_more) == (3, True)


def test_without_an_attempt_it_says_so(clerk: Client) -> None:
    text = shown(clerk)
    assert "No attempts in the last 30 days" in text and "Integrity" in text
    assert "wx-chart" not in text


def test_it_is_shown_where_wx_realname_is_not_set_any_more(clerk: Client, settings: Any) -> None:
    ended(timezone.now())
    del settings.WX_REALNAME
    assert rows(shown(clerk), "Outcomes")[-1][1] == "1"


def test_a_certificate_that_ends_and_a_key_that_is_wrong_are_told(
    clerk: Client, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "renew it" not in shown(clerk)
    monkeypatch.setattr(
        "wx_realname.services.operation.certificates.WARNING", timedelta(days=100_000)
    )
    assert "renew it" in shown(clerk)
    configure(merchant={"PRIVATE_KEY": "no key", "PRIVATE_KEY_FILE": None})
    (line,) = rows(shown(clerk), "Merchant certificates")[1:]
    assert "PRIVATE_KEY" in line[1] and "no key" not in line[1]


def test_what_cannot_be_counted_soon_is_said(
    clerk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "COUNTING", -1)
    ended(timezone.now() - timedelta(days=2))
    assert "Not all is counted yet" in shown(clerk)


@pytest.mark.parametrize("fault", [OperationalError, InternalError])
def test_where_nothing_can_be_written_what_is_known_is_shown(
    clerk: Client, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    """Another process counts, and holds the lock; PostgreSQL's standby refuses with an InternalError."""
    ended(timezone.now())
    assert "Not all is counted yet" not in shown(clerk)
    monkeypatch.setattr(statistics, "_count", Mock(side_effect=fault))
    text = shown(clerk)
    assert "Not all is counted yet" in text and rows(text, "Outcomes")[-1][1] == "1"


def test_there_is_no_other_page_of_statistics(clerk: Client) -> None:
    ended(timezone.now())
    shown(clerk)
    row = HourlyStatistic.objects.latest("hour")
    for address in (page("hourlystatistic", "add"), page("hourlystatistic", row.pk, "change")):
        assert clerk.get(address).status_code == 404


def test_it_reads_statistics_alone(clerk: Client) -> None:
    """However many records and events there are: none is read once it is counted."""
    ended(timezone.now() - timedelta(days=2), 500)
    shown(clerk)
    with CaptureQueriesContext(connection) as queries:
        shown(clerk)
    asked = [query["sql"] for query in queries if AuditEvent._meta.db_table in query["sql"]]
    assert len(asked) == 4  # anything to count, twice; refused searches; what isn't sealed
    table = connection.ops.quote_name(Verification._meta.db_table)
    (waiting,) = (sql for query in queries if table in (sql := query["sql"]))
    assert "LIMIT 1001" in waiting


def test_in_chinese(clerk: Client) -> None:
    ended(timezone.now(), status="unknown", error_code="outcome_unknown")
    text = shown(clerk, **{"Accept-Language": "zh-hans"})
    words = re.sub("<[^>]*>", " ", text[text.index("<main") :])
    assert "概览" in words and "应对办法" in words
    assert not re.search(r"\b(Outcomes|Volume|Response|Hour|Day|median|What to do)\b", words)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_error_that_a_record_may_keep_has_its_words(language: str) -> None:
    with translation.override(language):
        for row in ERRCODES:
            assert all(remedies.words(row.code, row.errcode))
        for code in ("misconfigured", "wechat_unreachable", "outcome_unknown", "unreadable_answer"):
            assert all(remedies.words(code, None))
        assert remedies.words("wechat_error", 12345).meaning
        assert remedies.words("unheard_of", None) == ("", "")


@each(("most", "top"), [(0, 1), (1, 1), (3, 3), (6, 6), (11, 15), (41, 50), (399, 400), (401, 500)])
def test_the_axis_ends_at_a_round_number_near_the_peak(most: int, top: int) -> None:
    chart = Chart([Slot("a", {"x": most}), Slot("b", {})], [("x", "X")])
    assert chart.top_value == top
    assert [mark.text for mark in chart.rows][:1] == [0] and chart.rows[-1].text == top
    assert len(chart.bars) == (most > 0)
    for box in (box for bar in chart.bars for box in bar.boxes):
        assert box.y >= charts.TOP and box.y + box.height == pytest.approx(charts.BOTTOM, abs=0.2)
    assert len(chart.columns) == 2
