"""realname_settle: every waiting face is asked for before its hour is over, once at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from tests.conftest import at_once, events
from tests.lying_wechat import LyingWeChat, hangs_up, refuses
from tests.test_face import QUERY, asked, begin, came_to, faults, wechat
from tests.trail import call
from wx_realname.models import Verification
from wx_realname.services.upkeep import settle

__all__ = ["wechat"]

pytestmark = pytest.mark.django_db


def aged(row: Verification, minutes: float) -> Verification:
    """The record at that age; when it was last asked for moves with it."""
    row.refresh_from_db()
    since = timezone.now() - timedelta(minutes=minutes)
    settled_at = row.settled_at and row.settled_at + (since - row.started_at)
    Verification.objects.filter(pk=row.pk).update(
        started_at=since, expires_at=since + timedelta(hours=1), settled_at=settled_at
    )
    return row


def run(*arguments: str) -> str:
    return call("realname_settle", *arguments).strip()


def asks_at(wechat: LyingWeChat, row: Verification, minutes: float, *arguments: str) -> int:
    """How often WeChat is asked by a run when the record is that old."""
    before = asked(wechat)
    aged(row, minutes)
    run(*arguments)
    return asked(wechat) - before


def statuses() -> list[str]:
    return sorted(Verification.objects.values_list("status", flat=True))


def test_it_asks_once_at_ten_minutes_and_in_every_run_from_minute_fifty(
    wechat: LyingWeChat, user: Any
) -> None:
    wechat.play(came_to(10300), path=QUERY)
    row = begin(user)
    minutes = (9, 11, 16, 49, 51, 56, 61)
    assert [asks_at(wechat, row, each) for each in minutes] == [0, 1, 0, 0, 1, 1, 1]
    assert statuses() == ["waiting"] and events() == []
    aged(row, 71)
    assert run() == "1 ended (1 unknown), 0 still waiting."
    assert asked(wechat) == 4 and faults() == []
    assert run() == "0 ended, 0 still waiting."


def test_all_asks_for_every_waiting_record_now(wechat: LyingWeChat, user: Any) -> None:
    for _ in range(5):
        begin(user)
    wechat.play(
        came_to(10000), came_to(10004), came_to(10300), hangs_up, came_to(10000), path=QUERY
    )
    assert run("--all", "--dry-run") == "5 would be asked for." and asked(wechat) == 0
    assert run() == "0 ended, 0 still waiting."
    ended = "3 ended (1 rejected, 2 verified), 2 still waiting."
    assert run("--all", "--batch-size", "2") == ended
    assert run("--all") == "2 ended (2 verified), 0 still waiting."
    assert len(events()) == 5 and faults() == []


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_end_each_record_once(wechat: LyingWeChat, user: Any) -> None:
    for _ in range(8):
        begin(user)
    works: list[Callable[[], int]] = [lambda: len(list(settle.settle(everything=True)))] * 2
    # A run that begins while the other asks for a record may ask too, to no effect.
    assert 8 <= sum(at_once(*works)) <= 16
    assert statuses() == ["verified"] * 8 and len(events()) == 8 and 8 <= asked(wechat) <= 16
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_stepped_over(wechat: LyingWeChat, user: Any) -> None:
    if not connections["default"].features.has_select_for_update_skip_locked:
        pytest.skip("no row locks to skip")
    held, free = begin(user), begin(user)
    with transaction.atomic():
        Verification.objects.select_for_update().get(pk=held.pk)
        (found,) = at_once(lambda: [each.record for each in settle.settle(everything=True)])
    assert found == [free.pk]
    assert run("--all") == "1 ended (1 verified), 0 still waiting."


def test_a_killed_run_leaves_nothing_behind(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(user)

    class Killed(BaseException):
        pass

    def dies(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(settle.face, "finish", dies)
        run("--all")
    assert run("--all") == "1 ended (1 verified), 0 still waiting."


def test_one_that_cannot_be_asked_for_stops_no_other(wechat: LyingWeChat, user: Any) -> None:
    forged, _ = begin(user), begin(user)
    Verification.objects.filter(pk=forged.pk).update(merchant="other")
    assert run("--all") == "1 ended (1 verified), 1 still waiting."
    wechat.play(refuses(48001), path=QUERY)
    begin(user)
    assert run("--all") == "0 ended, 2 still waiting."


def test_an_unforeseen_error_of_one_record_stops_no_other(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    first, finish = begin(user), settle.face.finish
    begin(user)

    def fails(record: Any, origin: Any) -> Any:
        if record == first.pk:
            raise KeyError("planted")
        return finish(record, origin)

    monkeypatch.setattr(settle.face, "finish", fails)
    assert run("--all") == "1 ended (1 verified), 1 still waiting."
    assert f"{first.pk}: unexpected KeyError" in caplog.text and "planted" not in caplog.text


def test_it_gives_up_when_wechat_is_away_and_not_at_an_invalid_answer(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "GIVE_UP", 2)
    for _ in range(4):
        begin(user)
    wechat.play(hangs_up, path=QUERY)
    assert run("--all") == "0 ended, 2 still waiting."
    assert asked(wechat) == 2
    wechat.play(*[came_to("10000")] * 3, came_to(10000), path=QUERY)
    assert run("--all") == "1 ended (1 verified), 3 still waiting."


def no_token(app_id: str) -> str:
    raise ConnectionError


def test_a_merchant_that_cannot_be_asked_stops_no_other(
    wechat: LyingWeChat, user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "GIVE_UP", 2)
    merchants = settings.WX_REALNAME["MERCHANTS"]

    def second(**changes: Any) -> None:
        both = merchants | {"second": merchants["default"] | changes}
        settings.WX_REALNAME = settings.WX_REALNAME | {"MERCHANTS": both}

    second()
    for merchant in ("second", "second", "second", "default", "default"):
        begin(user, merchant=merchant)
    second(ACCESS_TOKEN_PROVIDER="tests.test_settle.no_token")
    assert run("--all") == "2 ended (2 verified), 2 still waiting."
    assert statuses() == ["verified"] * 2 + ["waiting"] * 3 and faults() == []


@pytest.mark.parametrize("minutes", [20, 55])
def test_the_next_run_begins_with_those_that_were_not_asked(
    wechat: LyingWeChat, user: Any, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    monkeypatch.setattr(settle, "GIVE_UP", 2)
    rows = [aged(begin(user), minutes).pk for _ in range(5)]
    wechat.play(hangs_up, path=QUERY)
    found = [[each.record for each in settle.settle(everything=True)] for _ in range(4)]
    assert found == [rows[:2], rows[2:4], [rows[4], rows[0]], rows[1:3]]


def test_those_whose_hour_is_nearly_over_come_first(wechat: LyingWeChat, user: Any) -> None:
    wechat.play(came_to(10300), path=QUERY)
    young, old, oldest = begin(user), begin(user), begin(user)
    for minutes in (15, 51):
        aged(old, minutes), aged(oldest, minutes)
        list(settle.settle())
    aged(young, 11)
    found = [each.record for each in settle.settle(batch_size=1)]
    assert found == [old.pk, oldest.pk, young.pk]


def test_an_early_run_for_all_takes_no_later_turn_away(wechat: LyingWeChat, user: Any) -> None:
    wechat.play(came_to(10300), path=QUERY)
    row = begin(user)
    assert asks_at(wechat, row, 3, "--all") == 1
    assert [asks_at(wechat, row, minutes) for minutes in (11, 16, 51)] == [1, 0, 1]


def test_the_purge_leaves_waiting_records_alone(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    configure(RETENTION_DAYS=1)
    aged(begin(user), 3 * 24 * 60)
    call("realname_purge")
    assert statuses() == ["waiting"]
    assert run() == "1 ended (1 unknown), 0 still waiting."
