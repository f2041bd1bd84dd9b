"""The access_token: sealed in the cache, fetched by one thread at a time, forced once in 30 s."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.cases import each
from tests.conftest import at_once, frames
from tests.stand_ins import Behaviour, StandIn, hangs, resets, says
from wx_realname import conf
from wx_realname import exceptions as errors
from wx_realname.personal_data import Secret
from wx_realname.services import clients
from wx_realname.vault.keyring import column_cipher
from wx_realname.wechat.access_token import AccessTokens, ProvidedTokens, StableTokens
from wx_realname.wechat.client import Credentials
from wx_realname.wechat.transport import Deadline, Transport

APP_ID, APP_SECRET = "wx0000000000000001", "tests-have-no-secret"
OLD, NEW, LONG = "70_old-token-of-the-tests", "71_new-token-of-the-tests", "x" * 2048
CIPHER = column_cipher((conf.EncryptionKey("e1", "AES-256-GCM", bytes(32)),), "cache.access_token")
SEAL: Any = SimpleNamespace(seal=CIPHER.encrypt, open=CIPHER.decrypt)
NO_TOKENS = [None, 7, True, [OLD], {"a": OLD}, "", "a b", "a\r\nb", "\x7f", "令牌", LONG + "x"]
NO_LIFETIMES: list[Any] = [10**6, None, "7200", 7200.0, 0, -1, True, 10**9, [], {}]
Logs = pytest.LogCaptureFixture


class Cache:
    """A cache, until its server is gone: it answers so many calls. Or one that keeps nothing."""

    def __init__(self, *, alive: int = 10**9, keeps: bool = True) -> None:
        self.alive, self.keeps = alive, keeps
        self.values: dict[str, Any] = {}
        self.timeouts: list[float | None] = []

    def _answer(self, *given: Any) -> None:
        self.alive -= 1
        if self.alive < 0:
            raise ConnectionError(f"connection refused, given {given}")

    def get(self, key: str) -> Any:
        self._answer(key)
        return self.values.get(key) if self.keeps else None

    def set(self, key: str, value: Any, timeout: float | None) -> None:
        self._answer(key, value)
        self.values[key] = value
        self.timeouts.append(timeout)

    def add(self, key: str, value: Any, timeout: float | None) -> bool:
        self._answer(key, value)
        first = key not in self.values
        self.values.setdefault(key, value)
        return first or not self.keeps

    def delete(self, key: str) -> None:
        self._answer(key)
        self.values.pop(key, None)


CACHES: dict[str, Callable[[], Cache]] = {
    "works": Cache,
    "dead": lambda: Cache(alive=0),
    "dummy": lambda: Cache(keeps=False),
    "dies midway": lambda: Cache(alive=6),
}


def gives(token: Any, expires_in: Any = 7200) -> Behaviour:
    return says({"access_token": token, "expires_in": expires_in})


@pytest.fixture
def wechat(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr("wx_realname.wechat.access_token.FORCE_PAUSE", 0.01)
    with StandIn() as server:
        yield server


def source(wechat: StandIn, cache: Cache | None = None, seal: Any = SEAL) -> StableTokens:
    transport = Transport(wechat.url, connect_timeout=2, read_timeout=5)
    credentials = Credentials(conf.current().merchants["default"], transport)
    return StableTokens(credentials.fetch_access_token, cache or Cache(), seal, "name")


def current(tokens: AccessTokens, seconds: float = 5) -> str:
    return tokens.current(Deadline(seconds)).reveal()


def replace(tokens: AccessTokens, rejected: str) -> str:
    return tokens.replace(Secret(rejected), Deadline(5)).reveal()


def forced(wechat: StandIn) -> list[bool]:
    return [seen.json["force_refresh"] for seen in wechat.requests]


def test_stable_token_is_asked_in_normal_mode(wechat: StandIn) -> None:
    wechat.play(gives(LONG))
    assert current(source(wechat)) == LONG
    assert wechat.requests[0].target == "/cgi-bin/stable_token"
    assert wechat.requests[0].json == {
        "grant_type": "client_credential",
        "appid": APP_ID,
        "secret": APP_SECRET,
        "force_refresh": False,
    }


@each(
    ("token", "lives"),
    [*((token, 7200) for token in NO_TOKENS), *((OLD, lives) for lives in NO_LIFETIMES)],
)
def test_a_token_answer_of_wrong_types_is_none(wechat: StandIn, token: Any, lives: Any) -> None:
    cache = Cache()
    wechat.play(gives(token, lives))
    with pytest.raises(errors.WeChatUnreachable):
        current(source(wechat, cache))
    assert cache.values == {}


@pytest.mark.parametrize(("lives", "kept"), [(7200, 6900), (310, 279), (9, 9)])
def test_the_token_lies_sealed_in_the_cache(wechat: StandIn, lives: int, kept: int) -> None:
    wechat.play(gives(NEW, lives))
    cache = Cache()
    tokens = source(wechat, cache)
    assert [current(tokens) for _ in range(3)] == [NEW] * 3
    assert current(source(wechat, cache)) == NEW  # another process
    assert len(wechat.requests) == 1
    ((key, value),) = cache.values.items()
    assert NEW.encode() not in key.encode() + value
    assert CIPHER.decrypt(value, key.encode()).startswith(f'["{NEW}", ')
    assert cache.timeouts == [kept]


@pytest.mark.parametrize("cache", ["works", "dead"])
def test_an_ended_token_is_fetched_anew_whatever_the_cache(wechat: StandIn, cache: str) -> None:
    wechat.play(gives(OLD, 1), gives(NEW))
    tokens = source(wechat, CACHES[cache]())
    assert current(tokens) == current(tokens) == OLD
    time.sleep(1.01)
    assert current(tokens) == NEW


def _foreign(key: str) -> dict[str, Any]:
    def sealed(value: Any, context: str = key) -> bytes:
        return CIPHER.encrypt(json.dumps(value), context.encode())

    good = [OLD, time.time() + 999]
    return {
        "nothing": None,
        "text": OLD,
        "a list": good,
        "empty": b"",
        "garbage": b"\x80\x04garbage",
        "plain": json.dumps(good).encode(),
        "of another key": sealed(good, "wx_realname:access_token:other"),
        "altered": sealed(good)[:-1] + b"\x00\x00",
        "cut": sealed(good)[:-9],
        "ended": sealed([OLD, time.time() - 1]),
        "without an end": sealed([OLD]),
        "with no time": sealed([OLD, None]),
        "by an unknown key": sealed(good).replace(b"e1", b"e2"),
    }


@each("name", _foreign(""))
def test_nothing_or_a_foreign_value_in_the_cache_is_a_miss(wechat: StandIn, name: str) -> None:
    wechat.play(gives(OLD), gives(NEW))
    cache = Cache()
    tokens = source(wechat, cache)
    wechat.requests.clear()
    current(tokens)
    (key,) = cache.values
    cache.values[key] = _foreign(key)[name]
    assert current(tokens) == current(tokens) == NEW
    assert len(wechat.requests) == 2


@pytest.mark.parametrize(("cache", "fetches"), [("dead", 1), ("dummy", 1), ("dies midway", 2)])
def test_an_outage_burns_no_quota(wechat: StandIn, caplog: Logs, cache: str, fetches: int) -> None:
    wechat.always(gives(NEW))
    tokens = source(wechat, CACHES[cache]())
    assert [current(tokens) for _ in range(50)] == [NEW] * 50
    assert at_once(*[lambda: current(tokens)] * 32) == [NEW] * 32
    assert len(wechat.requests) == fetches
    assert NEW not in caplog.text


def test_after_an_outage_the_cache_is_used_again(wechat: StandIn) -> None:
    wechat.play(gives(OLD), gives(NEW), gives(LONG))
    cache = CACHES["dead"]()
    tokens = source(wechat, cache)
    assert current(tokens) == OLD
    cache.alive = 1000
    assert replace(tokens, OLD) == current(source(wechat, cache)) == NEW
    cache.values.clear()
    assert current(tokens) == LONG


def test_a_failing_seal_costs_no_call_and_shows_no_token(wechat: StandIn, caplog: Logs) -> None:
    def fails(*given: Any) -> Any:
        raise errors.ConfigurationError(f"ENCRYPTION_KEYS: {given}")

    wechat.play(gives(NEW))
    tokens = source(wechat, seal=SimpleNamespace(seal=fails, open=fails))
    assert current(tokens) == current(tokens) == NEW
    assert NEW not in caplog.text


def test_one_thread_fetches_for_all(wechat: StandIn) -> None:
    wechat.pause, tokens = 0.4, source(wechat)
    wechat.play(gives(NEW))
    assert at_once(*[lambda: current(tokens)] * 32) == [NEW] * 32
    assert len(wechat.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code", "errcode"),
    [
        (says({"errcode": 40125, "errmsg": f"bad {APP_SECRET}"}), "misconfigured", 40125),
        (says({"errcode": 45011}), "quota_exhausted", 45011),
        (says("no object"), "wechat_unreachable", None),
        (resets(), "wechat_unreachable", None),
    ],
    ids=["refused", "quota", "unintelligible", "reset"],
)
def test_all_share_a_failure_without_asking_again(
    wechat: StandIn, answer: Behaviour, code: str, errcode: int | None
) -> None:
    wechat.pause, tokens = 0.4, source(wechat)
    wechat.play(answer)
    failures = at_once(*[lambda: current(tokens)] * 32)
    assert {failure.code for failure in failures} == {code}
    assert {failure.wechat and failure.wechat["errcode"] for failure in failures} == {errcode}
    assert len(set(map(id, failures))) == 32  # a traceback of its own each
    assert len(wechat.requests) == 1
    assert not [failure for failure in failures if APP_SECRET in "".join(frames(failure))]


def test_nobody_waits_beyond_the_own_deadline(wechat: StandIn) -> None:
    wechat.play(hangs)
    tokens = source(wechat)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(current, tokens, 0.6)
        time.sleep(0.1)
        with pytest.raises(errors.WeChatUnreachable):
            current(tokens, 0.1)
        assert not leader.done()
        assert isinstance(leader.exception(), errors.WeChatUnreachable)
    assert len(wechat.requests) == 1


def held(wechat: StandIn, token: str, cache: Cache | None = None) -> StableTokens:
    """A source that holds that token; the request for it is forgotten."""
    wechat.play(gives(token))
    tokens = source(wechat, cache)
    current(tokens)
    wechat.requests.clear()
    return tokens


@pytest.mark.parametrize(("holds", "fetches"), [(OLD, [False]), (NEW, [])])
def test_only_the_refused_token_is_dropped(wechat: StandIn, holds: str, fetches: Any) -> None:
    tokens = held(wechat, holds)
    wechat.pause = 0.4
    wechat.always(gives(NEW))
    assert at_once(*[lambda: replace(tokens, OLD)] * 32) == [NEW] * 32
    assert replace(tokens, OLD) == current(tokens) == NEW
    assert forced(wechat) == fetches


@pytest.mark.parametrize("cache", CACHES)
def test_the_same_dead_token_again_is_forced_once_in_30_seconds(
    wechat: StandIn, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    tokens = held(wechat, OLD, CACHES[cache]())
    wechat.play(gives(OLD), gives(NEW))
    assert replace(tokens, OLD) == current(tokens) == NEW
    assert forced(wechat) == [False, True]
    wechat.always(gives(NEW))
    assert [replace(tokens, NEW) for _ in range(5)] == [NEW] * 5
    assert forced(wechat).count(True) == 1
    monkeypatch.setattr("wx_realname.wechat.access_token.FORCE_APART", 0)
    replace(tokens, NEW)
    assert forced(wechat).count(True) == (1 if cache == "works" else 2)  # the cache still knows


def test_of_two_processes_one_forces_and_the_other_takes_what_came(wechat: StandIn) -> None:
    cache = Cache()
    first, second = (source(wechat, cache) for _ in range(2))
    wechat.play(gives(OLD), gives(OLD), gives(NEW))
    assert current(second) == OLD
    assert replace(first, OLD) == replace(second, OLD) == NEW
    cache.delete(next(key for key in cache.values if not key.endswith(":forced")))
    wechat.play(gives(OLD), gives(OLD), gives(NEW))
    assert current(second) == OLD
    assert replace(second, OLD) == current(first) == NEW
    assert forced(wechat) == [False, False, True, False, False, False]


def provided(*answers: Any) -> ProvidedTokens:
    """A central service that gives these, one after the other; it raises what is an exception."""
    left = iter(answers)

    def provider(app_id: str) -> Any:
        assert app_id == APP_ID
        if isinstance(answer := next(left), Exception):
            raise answer
        return answer

    return ProvidedTokens(provider, APP_ID)


def test_a_provider_is_asked_at_each_call_and_after_a_refusal() -> None:
    tokens = provided(OLD, NEW, LONG)
    assert [current(tokens), current(tokens), replace(tokens, NEW)] == [OLD, NEW, LONG]


@each("junk", [*NO_TOKENS, RuntimeError(OLD), KeyError(OLD)])
def test_a_provider_that_fails_is_unreachable(caplog: Logs, junk: Any) -> None:
    with pytest.raises(errors.WeChatUnreachable) as caught:
        current(provided(junk))
    assert "ACCESS_TOKEN_PROVIDER" in caplog.text
    assert OLD not in caplog.text + "".join(frames(caught.value))


def test_a_provider_that_hangs_is_waited_for_until_the_deadline() -> None:
    ended = threading.Event()
    tokens = ProvidedTokens(lambda app_id: str(ended.wait(30)), APP_ID)
    began = time.monotonic()
    with pytest.raises(errors.WeChatUnreachable):
        tokens.current(Deadline(0.2))
    assert time.monotonic() - began < 10
    ended.set()


def test_who_joins_a_fetch_that_fails_unforeseen_hears_nothing_of_it() -> None:
    def fails(force: bool, deadline: Deadline) -> tuple[Secret, int]:
        time.sleep(0.5)  # the others join meanwhile
        raise KeyError(OLD)

    tokens = StableTokens(fails, Cache(), SEAL, "name")
    came = at_once(*[lambda: current(tokens)] * 8)
    joined = [each for each in came if isinstance(each, errors.WeChatUnreachable)]
    assert joined and len(joined) + sum(isinstance(each, KeyError) for each in came) == 8
    assert not [each for each in joined if OLD in "".join(frames(each))]


def central_service(app_id: str) -> str:
    return f"token-of-{app_id}"


@pytest.fixture
def token_sent(configure: Callable[..., None], wechat: StandIn) -> Callable[[str], str]:
    """The access_token that a call takes along, by the provider of that name."""

    def ask(provider: str) -> str:
        configure(API_BASE_URL=wechat.url, merchant={"ACCESS_TOKEN_PROVIDER": provider})
        wechat.always(says({"category_list": []}))
        clients.client_for(clients.find("default")).get_category(Deadline(5))
        return wechat.requests[-1].query["access_token"]

    return ask


def test_the_provider_is_an_import_string(token_sent: Callable[[str], str]) -> None:
    assert token_sent(f"{__name__}.central_service") == f"token-of-{APP_ID}"
    with pytest.raises(errors.ConfigurationError, match=r"ACCESS_TOKEN_PROVIDER.*nowhere"):
        token_sent("tests.nowhere.provider")


def from_the_database(app_id: str) -> str:
    return get_user_model().objects.get(username="central").first_name


@pytest.mark.django_db
def test_a_provider_sees_the_rows_of_a_hosts_test(token_sent: Callable[[str], str]) -> None:
    """The test's transaction isn't committed: another thread's connection would find nothing."""
    get_user_model().objects.create(username="central", first_name="token-of-the-test")
    assert token_sent(f"{__name__}.from_the_database") == "token-of-the-test"
