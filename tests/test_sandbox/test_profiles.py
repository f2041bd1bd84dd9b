"""Faults by dice: the same seed gives the same faults; many at once never harm the truth."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from tests.cases import each
from tests.test_sandbox.client import APP, NAME, NUMBER, Clock, WeChatClient, decrypted
from wx_realname.sandbox import Citizen, MerchantKey, Sandbox
from wx_realname.sandbox.faults.trouble import Trouble

CALLS = 4000


def thrown(profile: str, seed: int, rate: float | None = None, calls: int = CALLS) -> list[str]:
    trouble = Trouble(profile, seed, rate)
    met = [trouble.meet("getrealnameinfo").fault for _ in range(calls)]
    return [fault.name if fault else "" for fault in met]


def test_the_same_seed_gives_the_same_faults() -> None:
    assert thrown("unkind", 7) == thrown("unkind", 7) != thrown("unkind", 8)


def test_what_is_queued_between_changes_nothing_of_what_comes_after() -> None:
    trouble = Trouble("unkind", 7)
    trouble.queue("clock_ahead", times=5)
    met = [trouble.meet("getrealnameinfo").fault for _ in range(200)]
    assert [fault.name if fault else "" for fault in met[5:]] == thrown("unkind", 7, None, 200)[5:]


def test_choosing_a_profile_again_throws_the_same_dice_again() -> None:
    trouble = Trouble("unkind", 7)
    first = [trouble.meet("token") for _ in range(50)]
    trouble.choose("unkind", 7)
    again = [trouble.meet("token") for _ in range(50)]
    assert [met.fault for met in again] == [met.fault for met in first]


@each(("rate", "least", "most"), [(None, 0.17, 0.23), (0.5, 0.46, 0.54), (1, 1, 1)])
def test_the_rate_is_kept(rate: float | None, least: float, most: float) -> None:
    met = thrown("unkind", 1, rate)
    assert least <= sum(map(bool, met)) / CALLS <= most


@pytest.mark.once
def test_the_kind_profile_never_and_the_real_one_hardly_misbehaves() -> None:
    assert not any(thrown("kind", 1))
    met = Counter(thrown("real", 1, None, 30_000))
    assert 15 <= met["busy"] <= 50
    assert 25 <= 30_000 - met[""] <= 60


def test_the_real_profile_is_as_slow_as_production() -> None:
    trouble = Trouble("real", 1)
    waits = sorted(trouble.meet("token").latency for _ in range(CALLS))
    assert 0.055 < waits[CALLS // 2] < 0.065
    assert 0.15 < waits[CALLS * 99 // 100] < 0.3


def test_many_at_once_under_every_fault_and_the_truth_holds(
    sandbox: Sandbox, clock: Clock, key: MerchantKey
) -> None:
    """Nobody gets another's name, and no token is consumed twice, whatever goes wrong."""
    wechat = WeChatClient(sandbox, clock, key)
    people = [f"公民{number}" for number in range(60)]
    tokens = [sandbox.issue_auth_token(Citizen(name, NUMBER), APP) for name in people]
    access_token = wechat.access_token()
    bodies = [wechat.body(token) for token in tokens]
    sandbox.use_profile("unkind", seed=3, rate=0.7)

    def ask(number: int) -> tuple[str, str] | None:
        url = f"{sandbox.url}/cgi-bin/wxopen/getrealnameinfo?access_token={access_token}"
        with suppress(requests.RequestException, ValueError, KeyError, AssertionError, TypeError):
            answer = requests.post(url, json=bodies[number], timeout=1)
            return decrypted(key, answer.json())
        return None

    with ThreadPoolExecutor(30) as pool:
        names = list(pool.map(ask, [*range(60), *range(60)]))
    for number, came in enumerate(names):
        assert came in (None, (people[number % 60], NUMBER))
    consumed = Counter(e.auth_token_digest for e in sandbox.ledger if e.consumed)
    assert set(consumed.values()) == {1}
    assert {entry.delivered for entry in sandbox.ledger} == {"nothing", "part", "whole"}
    assert NAME not in repr(sandbox.ledger)
