"""Access tokens, stable and not."""

from __future__ import annotations

import re

import pytest

from tests.test_sandbox.client import OTHER_APP, REALNAME, Clock, Json, WeChatClient
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox


def test_stable_token_repeats_the_token_with_what_remains(wechat: WeChatClient) -> None:
    first = wechat.stable_token()
    assert set(first) == {"access_token", "expires_in"}
    assert first["expires_in"] == 7200
    assert len(first["access_token"]) >= 136
    wechat.clock.advance(100.5)
    assert wechat.stable_token(force_refresh=False) == {**first, "expires_in": 7099}


def test_stable_token_renews_five_minutes_early_and_the_old_one_lives_on(
    wechat: WeChatClient,
) -> None:
    old = wechat.access_token()
    wechat.clock.advance(6899)
    assert wechat.access_token() == old
    wechat.clock.advance(1)
    new = wechat.stable_token()
    assert new["access_token"] != old
    assert new["expires_in"] == 7200
    assert wechat.categories(old)["errcode"] == 0
    wechat.clock.advance(300)
    assert wechat.categories(old)["errcode"] == 42001
    assert wechat.categories(new["access_token"])["errcode"] == 0


def test_forcing_kills_the_old_token(wechat: WeChatClient) -> None:
    old = wechat.access_token()
    new = wechat.stable_token(force_refresh=True)["access_token"]
    assert new != old
    assert wechat.categories(old)["errcode"] == 40001
    assert wechat.categories(new)["errcode"] == 0
    assert wechat.access_token() == new


def test_forcing_is_limited_to_every_thirty_seconds_and_twenty_a_day(wechat: WeChatClient) -> None:
    beijing_day = 86400 - (wechat.clock.seconds + 8 * 3600) % 86400
    wechat.clock.advance(beijing_day)
    assert "access_token" in wechat.stable_token(force_refresh=True)
    wechat.clock.advance(29)
    assert wechat.stable_token(force_refresh=True)["errcode"] == 45011
    assert "access_token" in wechat.stable_token()
    wechat.clock.advance(1)
    for _ in range(19):
        assert "access_token" in wechat.stable_token(force_refresh=True)
        wechat.clock.advance(30)
    assert wechat.stable_token(force_refresh=True)["errcode"] == 45009
    assert "access_token" in wechat.stable_token(force_refresh=True, appid=OTHER_APP)
    wechat.clock.advance(86400)
    assert "access_token" in wechat.stable_token(force_refresh=True)


def test_the_older_token_call_gives_a_new_one_each_time_with_five_minutes_of_overlap(
    wechat: WeChatClient,
) -> None:
    stable = wechat.access_token()
    first, second = (wechat.old_token()["access_token"] for _ in range(2))
    assert len({stable, first, second}) == 3
    wechat.clock.advance(299)
    assert wechat.categories(first)["errcode"] == 0
    wechat.clock.advance(1)
    assert wechat.categories(first)["errcode"] == 40001
    assert wechat.categories(second)["errcode"] == 0
    assert wechat.categories(stable)["errcode"] == 0


def test_the_two_kinds_of_token_do_not_expire_each_other(wechat: WeChatClient) -> None:
    old = wechat.old_token()["access_token"]
    wechat.stable_token(force_refresh=True)
    wechat.clock.advance(600)
    assert wechat.categories(old)["errcode"] == 0


@pytest.mark.parametrize(
    ("errcode", "changes"),
    [
        (40002, {"grant_type": "password"}),
        (40002, {"grant_type": None}),
        (41002, {"appid": None}),
        (40013, {"appid": "wx-unknown"}),
        (41004, {"secret": None}),
        (40125, {"secret": "wrong"}),
        (40125, {"secret": "非"}),
    ],
)
def test_token_calls_refuse_with_their_own_codes(
    wechat: WeChatClient, errcode: int, changes: Json
) -> None:
    for answer in (wechat.stable_token(**changes), wechat.old_token(**changes)):
        assert answer["errcode"] == errcode
        assert re.search(r" rid: [0-9a-f]+-[0-9a-f]{8}-[0-9a-f]{8}$", answer["errmsg"])


def test_force_refresh_must_be_a_bool(wechat: WeChatClient) -> None:
    assert wechat.stable_token(force_refresh="true")["errcode"] == 47001


@pytest.mark.parametrize("call", ["categories", "ask"])
def test_access_token_missing_unknown_and_expired(wechat: WeChatClient, call: str) -> None:
    def errcode(token: str) -> int:
        if call == "categories":
            return int(wechat.categories(token)["errcode"])
        query = {"access_token": token}
        return int(wechat.send("POST", REALNAME, params=query, json={}).json()["errcode"])

    token = wechat.access_token()
    assert errcode("") == 41001
    assert errcode("unknown") == 40001
    wechat.clock.advance(7200)
    assert errcode(token) == 42001


def test_a_token_lifetime_can_be_chosen(
    merchants: list[Merchant], clock: Clock, key: MerchantKey
) -> None:
    with Sandbox(merchants, clock=clock, token_lifetime=24) as sandbox:
        wechat = WeChatClient(sandbox, clock, key)
        first = wechat.stable_token()
        assert first["expires_in"] == 24
        clock.advance(22)
        assert wechat.access_token() == first["access_token"]
        clock.advance(1)
        assert wechat.access_token() != first["access_token"]
        clock.advance(1)
        assert wechat.categories(first["access_token"])["errcode"] == 42001
    with pytest.raises(ValueError, match="token_lifetime"):
        Sandbox(merchants, token_lifetime=0)
