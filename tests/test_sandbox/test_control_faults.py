"""Faults one by one: over the control address, from Python, and by citizen."""

from __future__ import annotations

from dataclasses import asdict

from tests.cases import each
from tests.test_sandbox.client import APP, NAME, NUMBER, PERSON, SECRET, Json, WeChatClient, parsed
from tests.test_sandbox.wire import exchange, request_for
from wx_realname.sandbox import Citizen
from wx_realname.sandbox.faults.fault import CALLS
from wx_realname.sandbox.faults.table import FAULTS


def test_the_control_side_lists_faults_profile_and_queue(wechat: WeChatClient) -> None:
    assert wechat.control("faults", {"fault": "busy", "times": 3}).status_code == 201
    told = wechat.control("faults", method="GET").json()
    assert set(told) == {"faults", "profile", "seed", "rate", "queued"}
    assert [row["name"] for row in told["faults"]] == list(FAULTS)
    assert told["faults"][0] == {
        "name": "busy",
        "group": "refusal",
        "consumes": False,
        "description": FAULTS["busy"].description,
        "calls": list(CALLS),
        "credential_id": "999999199001010008",
        "query_credential_id": FAULTS["busy"].query_credential_id,
    }
    assert (told["profile"], told["rate"]) == ("kind", 0.0)
    assert told["queued"] == [{"fault": "busy", "call": "getrealnameinfo", "times": 3}]


def test_what_is_queued_meets_the_next_requests_of_that_call_in_order(wechat: WeChatClient) -> None:
    answer = wechat.control("faults", {"fault": "errcode_45009", "call": "get_category"})
    assert answer.json() == {"fault": "errcode_45009", "call": "get_category", "times": 1}
    wechat.control("faults", {"fault": "busy", "call": "get_category", "times": 2})
    token = wechat.access_token()
    errcodes = [wechat.categories(token)["errcode"] for _ in range(4)]
    assert errcodes == [45009, -1, -1, 0]


def test_the_queue_can_be_cleared(wechat: WeChatClient) -> None:
    wechat.control("faults", {"fault": "busy", "call": "stable_token", "times": 7})
    assert wechat.control("faults", method="DELETE").json() == {"removed": 7}
    assert "access_token" in wechat.stable_token()
    wechat.sandbox.fault("busy", "stable_token")
    wechat.sandbox.clear_faults()
    assert "access_token" in wechat.stable_token()


def test_a_citizens_own_fault_disturbs_nobody_else(wechat: WeChatClient) -> None:
    response = wechat.control("auth_tokens", {**PERSON, "fault": "errcode_94006", "fault_times": 1})
    unlucky = response.json()["auth_token"]
    other = wechat.control("auth_tokens", PERSON).json()["auth_token"]
    wechat.sandbox.fault("errcode_94007")
    assert wechat.ask(unlucky)["errcode"] == 94006
    assert wechat.ask(other)["errcode"] == 94007
    assert [wechat.ask(token)["errcode"] for token in (unlucky, other)] == [0, 0]


def test_a_citizens_own_fault_comes_always_unless_times_are_given(wechat: WeChatClient) -> None:
    citizen = Citizen(NAME, NUMBER, fault="reset_after_consumption")
    auth_token = wechat.sandbox.issue_auth_token(citizen, APP)
    for _ in range(3):
        came = exchange(wechat.sandbox.url, request_for("getrealnameinfo", wechat, auth_token))
        assert (came.data, came.ending) == (b"", "reset")
    entries = [entry for entry in wechat.sandbox.ledger if entry.call == "getrealnameinfo"]
    assert [entry.consumed for entry in entries] == [True, False, False]
    assert [entry.errcode for entry in entries] == [0, 94005, 94005]


@each(
    ("path", "body", "says"),
    [
        ("faults", {}, "fault: is missing"),
        ("faults", {"fault": 7}, "fault: must be a string"),
        ("faults", {"fault": "bussy"}, "fault: 'bussy' is none; the nearest is busy"),
        ("faults", {"fault": "busy", "call": "x"}, "call: 'x' is none; there are getreal"),
        ("faults", {"fault": "busy", "times": 0}, "times: must be a whole number from 1"),
        ("faults", {"fault": "busy", "time": 2}, "unknown field 'time'"),
        ("faults", {"fault": "without_openid"}, "can be met by jscode2session only"),
        ("profile", {}, "profile: is missing"),
        ("profile", {"profile": "mean"}, "profile: 'mean' is none; there are kind, real, unkind"),
        ("profile", {"profile": "real", "seed": -1}, "seed: must be a whole number from 0"),
        ("profile", {"profile": "real", "rate": 1.5}, "rate: must be a number from 0 to 1"),
        ("profile", {"profile": "real", "rate": True}, "rate: must be a number from 0 to 1"),
        ("profile", {"profile": "kind", "rate": 0.1}, "rate: the profile kind has no faults"),
        ("auth_tokens", {**PERSON, "fault": "bussy"}, "fault: 'bussy' is none; the nearest is"),
        ("auth_tokens", {**PERSON, "fault": "busy", "fault_times": 0}, "fault_times: must be"),
        ("auth_tokens", {**PERSON, "fault_times": 2}, "fault_times: there is no fault"),
    ],
)
def test_a_slip_is_400_and_names_the_field_and_the_way_out(
    wechat: WeChatClient, path: str, body: Json, says: str
) -> None:
    response = wechat.control(path, body)
    assert response.status_code == 400
    assert says in response.json()["error"]
    assert wechat.control("faults", method="GET").json()["profile"] == "kind"


def test_a_profile_can_be_chosen(wechat: WeChatClient) -> None:
    body = {"profile": "unkind", "seed": 7, "rate": 0.25}
    assert wechat.control("profile", body).json() == body
    assert asdict(wechat.sandbox.trouble) == body
    told = wechat.control("profile", {"profile": "unkind"}).json()
    assert (told["rate"], isinstance(told["seed"], int)) == (0.2, True)
    assert wechat.control("profile", {"profile": "kind"}).json()["rate"] == 0.0


def test_the_control_side_and_unknown_paths_meet_no_fault(wechat: WeChatClient) -> None:
    wechat.sandbox.use_profile("unkind", seed=1, rate=1)
    for _ in range(20):
        assert wechat.control("ledger", method="GET").status_code == 200
        assert wechat.send("GET", "/").status_code == 404


def test_a_redirect_that_is_followed_shows_in_the_ledger(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("redirect_302_before_consumption", "get_category")
    query = {"access_token": wechat.access_token()}
    response = wechat.send("GET", "/wxa/get_category", params=query)
    assert (response.status_code, response.history[0].status_code) == (404, 302)
    assert wechat.sandbox.ledger[-1].call == "unknown"


def test_an_access_token_may_be_born_dead_or_die_early(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("access_token_born_dead", "stable_token")
    assert wechat.categories(wechat.access_token())["errcode"] == 40001
    token = parsed(wechat.send("POST", "/cgi-bin/stable_token", json=stable()))["access_token"]
    assert wechat.categories(token)["errcode"] == 0
    wechat.sandbox.fault("access_token_dies_early", "token")
    early = wechat.old_token()["access_token"]
    assert wechat.categories(early)["errcode"] == 0
    wechat.clock.advance(1)
    assert wechat.categories(early)["errcode"] == 40001


def stable() -> Json:
    return {"grant_type": "client_credential", "appid": APP, "secret": SECRET}


def test_a_clock_that_is_off_shows_in_the_date(wechat: WeChatClient) -> None:
    wechat.clock.seconds = 1_700_000_000
    wechat.sandbox.fault("clock_ahead", "stable_token")
    response = wechat.send("POST", "/cgi-bin/stable_token", json=stable())
    assert response.headers["Date"] == "Tue, 14 Nov 2023 23:13:20 GMT"
    assert response.json()["expires_in"] == 7200
