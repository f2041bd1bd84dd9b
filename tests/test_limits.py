"""Rates that are counted in the cache: a burst doesn't slip through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import at_once
from wx_realname.sandbox import Sandbox
from wx_realname.services import categories
from wx_realname.services.limits import Limit


def test_a_burst_of_parallel_acts_does_not_slip_through(no_access_tokens: None) -> None:
    with ThreadPoolExecutor(32) as threads:
        taken = list(threads.map(lambda _: Limit("burst", "7/hour").take(), range(64)))
    assert taken.count(True) == 7


def test_what_is_given_back_is_not_counted(no_access_tokens: None) -> None:
    limit = Limit("back", "1/hour")
    for _ in range(3):
        assert limit.take()
        limit.give_back()
        limit.give_back()  # once only
    assert limit.take() and not Limit("back", "1/hour").take()
    assert 3590 <= limit.wait() <= 3600


def test_many_who_ask_for_the_categories_at_once_are_one_call(sandbox: Sandbox) -> None:
    came = at_once(*[categories] * 8)
    assert came[0] and came == [came[0]] * 8
    assert sandbox.totals["get_category"] == 1


@pytest.mark.django_db
def test_categories_have_a_rate_of_their_own(api: Any, sandbox: Sandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr("wx_realname.services.limits.POLLING_RATE", "2/min")
    asked = [api().get("/api/realname/categories/").status_code for _ in range(3)]
    assert asked == [200, 200, 429]
