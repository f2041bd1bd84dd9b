"""Rates that are counted in the cache: a burst doesn't slip through, and an officer can't try numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from tests import settings as test_settings
from tests.conftest import AUTH_TOKEN
from tests.console import FIND, page, staff
from tests.lying_wechat import NUMBER, LyingWeChat
from wx_realname import resident_id
from wx_realname.exceptions import Throttled
from wx_realname.models import AuditEvent, Verification
from wx_realname.sandbox import Sandbox
from wx_realname.services import categories, exchange, find_person
from wx_realname.services.limits import Limit

Configure = Callable[..., None]
OTHER = "110105194912310021"  # nobody's


def test_a_burst_of_parallel_acts_does_not_slip_through() -> None:
    with override_settings(WX_REALNAME=test_settings.WX_REALNAME):
        with ThreadPoolExecutor(32) as threads:
            taken = list(threads.map(lambda _: Limit("burst", "7/hour").take(), range(64)))
        assert taken.count(True) == 7


def test_what_is_given_back_is_not_counted() -> None:
    with override_settings(WX_REALNAME=test_settings.WX_REALNAME):
        limit = Limit("back", "1/hour")
        for _ in range(3):
            assert limit.take()
            limit.give_back()
            limit.give_back()  # once only
        assert limit.take() and not Limit("back", "1/hour").take()
        assert 3590 <= limit.wait() <= 3600


@pytest.mark.django_db
class TestSearches:
    @pytest.fixture
    def row(self, liar: LyingWeChat, user: Any) -> Verification:
        return exchange(user=user, auth_token=AUTH_TOKEN)

    def test_a_clerk_cannot_try_the_numbers_of_a_birthday(
        self, row: Verification, stranger: Any, configure: Configure
    ) -> None:
        """The red team's attack: district and birthday known, three digits to try."""
        configure(SEARCH_RATE="10/hour")
        tries = 0
        with pytest.raises(Throttled):
            for sequence in range(1000):
                number = f"{NUMBER[:14]}{sequence:03}"
                full = number + resident_id.check_character(number)
                if full != NUMBER:
                    tries += 1
                    assert not find_person(actor=stranger, credential_id=full).matches
        assert tries == 11  # the eleventh was refused

    def test_a_refused_search_is_recorded_and_logged_without_the_number(
        self, row: Verification, stranger: Any, configure: Configure, caplog: Any
    ) -> None:
        configure(SEARCH_RATE="1/hour")
        find_person(actor=stranger, credential_id=OTHER)
        with caplog.at_level(logging.WARNING), pytest.raises(Throttled) as throttled:
            find_person(actor=stranger, credential_id=NUMBER, case_number="A-1")
        assert 3590 <= (throttled.value.retry_after or 0) <= 3600
        event = AuditEvent.objects.filter(event="search").latest("created_at")
        assert (event.actor_id, event.error_code) == (str(stranger.pk), "throttled")
        assert (event.reason, event.records) == ("by number; refused: SEARCH_RATE", 0)
        assert event.case_number == "A-1"
        assert f"officer {stranger.pk} reached" in caplog.text and NUMBER not in caplog.text

    def test_a_script_has_no_limit(self, configure: Configure) -> None:
        configure(SEARCH_RATE="1/hour")
        for _ in range(3):
            assert not find_person(actor=None, credential_id=OTHER).matches

    def test_the_find_form_says_so_and_the_overview_shows_the_officer(
        self, row: Verification, configure: Configure
    ) -> None:
        configure(SEARCH_RATE="2/hour")
        clerk = staff("view_verification", "view_hourlystatistic")
        overview = page("hourlystatistic")
        for _ in range(2):
            assert "Nobody" in clerk.post(FIND, {"credential_id": OTHER}).content.decode()
        assert "SEARCH_RATE" not in clerk.get(overview).content.decode()
        for _ in range(3):
            answer = clerk.post(FIND, {"credential_id": NUMBER})
            text = answer.content.decode()
            assert answer.status_code == 200 and str(row.pk) not in text
            assert "Search again in 60 min" in text
        text = clerk.get(overview).content.decode()
        assert "SEARCH_RATE was reached" in text and "clerk" in text and ">3</td>" in text
        clerk.cookies["django_language"] = "zh-hans"
        assert "试猜身份证号" in clerk.get(overview).content.decode()


def test_many_who_ask_for_the_categories_at_once_are_one_call(sandbox: Sandbox) -> None:
    def ask(_number: int) -> int:
        try:
            return len(categories())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
    assert sandbox.totals["get_category"] == 1


@pytest.mark.django_db
def test_categories_have_a_rate_of_their_own(api: Any, sandbox: Sandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr("wx_realname.services.limits.POLLING_RATE", "2/min")
    asked = [api().get("/api/realname/categories/").status_code for _ in range(3)]
    assert asked == [200, 200, 429]
