"""Face verification 2.0: getverifyid, the citizen before the camera, queryverifyinfo."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.test_sandbox.client import (
    APP,
    FACE,
    NAME,
    NUMBER,
    OPENID,
    OTHER_APP,
    SECRET,
    SHUT_APP,
    WeChatClient,
    cert_hash,
    cert_info,
)
from wx_realname import resident_id
from wx_realname.sandbox import VERIFY_RETS, Merchant, Sandbox, face_calls
from wx_realname.sandbox.faults.table import FAULTS
from wx_realname.sandbox.verify_rets import BY_CREDENTIAL_ID, phone_says


def begun(wechat: WeChatClient, **changes: Any) -> str:
    answer = wechat.begin(**changes)
    assert answer["errcode"] == 0, answer
    return str(answer["verify_id"])


def verify_ret(answer: dict[str, Any]) -> object:
    assert (answer["errcode"], answer["errmsg"]) == (0, "")
    return answer["verify_ret"]


def test_a_face_from_begin_to_end(wechat: WeChatClient) -> None:
    answer = wechat.begin()
    assert set(answer) == {"errcode", "errmsg", "verify_id", "expires_in"}
    assert (answer["errcode"], answer["errmsg"], answer["expires_in"]) == (0, "", 3600)
    assert re.fullmatch(r"[A-Za-z0-9_-]{256}", answer["verify_id"])
    assert verify_ret(wechat.query(answer["verify_id"])) == 10300
    assert wechat.sandbox.show_face(answer["verify_id"]) == 10000
    assert [verify_ret(wechat.query(answer["verify_id"])) for _ in range(2)] == [10000] * 2


def test_cert_hash_is_that_of_wechats_own_sample() -> None:
    sample = cert_info(cert_name="张三", cert_no="310101199801011234")
    expected = "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b"
    assert face_calls.cert_hash(sample) == cert_hash(**sample) == expected


def test_what_getverifyid_refuses(wechat: WeChatClient) -> None:
    forms = ["four", "x" * 33, "with blank", "with/slash", "ünicode", 12345, ["a"], "x" * 8 + "\n"]
    names: list[object] = ["  ", " 张三", "张\0三", "张三1", "张\ue7c7", "长" * 65, 7, None]
    names += ["张\u200b三"]
    numbers = ["", NUMBER[:-1], f"{NUMBER}x", f"{NUMBER[:-1]}x", int(NUMBER)]
    numbers += ["440524188013010014", "440524188002300014", "４40524188001010014", None]
    cases: list[tuple[int, dict[str, object]]] = [
        *((84010, {"out_seq_no": value}) for value in (None, "")),
        *((84011, {"out_seq_no": value}) for value in forms),
        *((84012, {"cert_info": value}) for value in (None, "", {}, [cert_info()])),
        *((84013, {"cert_info": cert_info(cert_type=v)}) for v in (None, "1", "PASSPORT", 1)),
        *((84014, {"cert_info": cert_info(cert_name=value)}) for value in names),
        *((84015, {"cert_info": cert_info(cert_no=value)}) for value in numbers),
        *((84016, {"openid": value}) for value in (None, "")),
        *((40003, {"openid": value}) for value in ("not an openid", 7, "x" * 129)),
    ]
    for errcode, changes in cases:
        assert wechat.begin(**changes)["errcode"] == errcode, changes
    assert {entry.consumed for entry in wechat.sandbox.ledger} == {False}
    for whole in ("12345", "x" * 32, "A_z-0"):
        assert begun(wechat, out_seq_no=whole)


def test_an_out_seq_no_is_good_once_for_each_appid(wechat: WeChatClient) -> None:
    begun(wechat, out_seq_no="the-same")
    assert wechat.begin(out_seq_no="the-same")["errcode"] == 84019
    assert begun(wechat, out_seq_no="the-same", app_id=OTHER_APP)
    assert wechat.begin(out_seq_no="refused", openid=None)["errcode"] == 84016
    assert begun(wechat, out_seq_no="refused")  # a refusal doesn't take it


def test_an_openid_of_another_appid_is_refused(wechat: WeChatClient) -> None:
    wechat.sandbox.issue_login_code("oElsewhere", OTHER_APP)
    assert wechat.begin(openid="oElsewhere")["errcode"] == 40003
    assert begun(wechat, openid="oElsewhere", app_id=OTHER_APP)
    verify_id = begun(wechat)
    assert wechat.query(verify_id, openid="oElsewhere")["errcode"] == 40003
    wechat.sandbox.issue_login_code("oElsewhere", APP)
    assert begun(wechat, openid="oElsewhere")


def test_what_queryverifyinfo_refuses(wechat: WeChatClient) -> None:
    verify_id = begun(wechat)
    wechat.sandbox.show_face(verify_id)
    cases: list[tuple[int, dict[str, object]]] = [
        (84010, {"out_seq_no": None}),
        (84011, {"out_seq_no": "four"}),
        (84016, {"openid": None}),
        (84017, {"openid": "oAnother"}),
        *((84018, {"cert_hash": v}) for v in ("0" * 64, None, cert_hash(**cert_info()).upper())),
        (84020, {"out_seq_no": "another-one"}),
        (84001, {"app_id": OTHER_APP}),
    ]
    for errcode, changes in cases:
        assert wechat.query(verify_id, **changes)["errcode"] == errcode, changes
    assert [wechat.query(value)["errcode"] for value in (None, "", 7)] == [84021] * 3
    assert wechat.query("never issued")["errcode"] == 84001
    assert verify_ret(wechat.query(verify_id)) == 10000


def test_a_verify_id_lives_an_hour(wechat: WeChatClient) -> None:
    verify_id, unused = begun(wechat), begun(wechat)
    wechat.clock.advance(3599)
    assert verify_ret(wechat.query(unused)) == 10300
    wechat.sandbox.show_face(verify_id)
    wechat.clock.advance(1)
    assert wechat.query(unused)["errcode"] == 84022
    assert wechat.query(verify_id, out_seq_no="face-1")["errcode"] == 84022
    with pytest.raises(ValueError, match="has expired"):
        wechat.sandbox.show_face(unused)


def test_a_verify_id_serves_one_try(wechat: WeChatClient) -> None:
    verify_id = begun(wechat)
    for unfinished in (10005, 10300):
        assert wechat.sandbox.show_face(verify_id, unfinished) == unfinished
        assert verify_ret(wechat.query(verify_id)) == unfinished
    assert wechat.sandbox.show_face(verify_id, 10004) == 10004
    with pytest.raises(ValueError, match="serves one try"):
        wechat.sandbox.show_face(verify_id, 10000)
    assert verify_ret(wechat.query(verify_id)) == 10004
    with pytest.raises(ValueError, match="not known"):
        wechat.sandbox.show_face("never issued")


def test_each_way_is_open_or_shut_by_itself(wechat: WeChatClient) -> None:
    assert wechat.begin(app_id=SHUT_APP)["errcode"] == 48001
    assert wechat.query("invented", app_id=SHUT_APP)["errcode"] == 48001
    with Sandbox([Merchant(APP, SECRET, check=False)]) as sandbox:
        wechat.sandbox = sandbox
        assert begun(wechat)
        assert wechat.check()["errcode"] == 48001


def test_appid_and_secret_are_enough(wechat: WeChatClient) -> None:
    with Sandbox([Merchant(APP, SECRET)]) as sandbox:
        wechat.sandbox = sandbox
        verify_id = begun(wechat)
        sandbox.show_face(verify_id)
        assert verify_ret(wechat.query(verify_id)) == 10000
        assert wechat.ask("an auth_token")["errcode"] == 94010


def test_both_calls_want_an_access_token_a_post_and_json(wechat: WeChatClient) -> None:
    for call in ("getverifyid", "queryverifyinfo"):
        assert wechat.send("POST", FACE + call, json={}).json()["errcode"] == 41001
        query = {"access_token": "dead"}
        assert wechat.send("POST", FACE + call, params=query).json()["errcode"] == 40001
        query = {"access_token": wechat.access_token()}
        assert wechat.send("GET", FACE + call, params=query).json()["errcode"] == 43002
        assert wechat.send("POST", FACE + call, params=query, data="{").json()["errcode"] == 47001


def test_the_citizen_goes_before_the_camera_by_the_control_address(wechat: WeChatClient) -> None:
    for given, comes, phone in (
        (None, 10000, "success"),
        (10004, 10004, "success"),
        (90002, 90002, "fail"),
    ):
        verify_id = begun(wechat)
        answer = wechat.control("faces", {"verify_id": verify_id, "verify_ret": given})
        assert (answer.status_code, answer.json()) == (200, {"verify_ret": comes, "phone": phone})
        assert verify_ret(wechat.query(verify_id)) == comes
        assert wechat.control("faces", {"verify_id": verify_id}).status_code == 400
    for body in ({}, {"verify_id": "never issued"}, {"verify_id": 7}, {"verify_id": "x", "ret": 1}):
        assert wechat.control("faces", body).status_code == 400
    assert wechat.control("faces", {"verify_id": "x", "verify_ret": "10000"}).status_code == 400


def test_an_id_number_selects_the_verify_ret(wechat: WeChatClient) -> None:
    for number, expected in BY_CREDENTIAL_ID.items():
        assert number.startswith("99999919900103") and resident_id.check_digit_holds(number)
        info = cert_info(cert_no=number)
        verify_id = begun(wechat, cert_info=info)
        assert wechat.sandbox.show_face(verify_id) == expected
        assert verify_ret(wechat.query(verify_id, cert_hash=cert_hash(**info))) == expected
    assert list(BY_CREDENTIAL_ID.values()) == list(VERIFY_RETS)
    assert BY_CREDENTIAL_ID["999999199001030025"] == 10004  # people write them into their tests


def test_every_verify_ret_of_wechats_page_is_there() -> None:
    listed = """
        10000 10003 10004 10012 10026 10018 10041 10002 10010 90011 90013 90014 10020 10029 10052
        90017 90107 10005 10300 90002 90003 90004 90005 90006 90001 90109 90106 90008 90009 90010
        90007 90012 10006 10001 10017 10040 10042 10007 10008 10013 10014 10015 10016 10045 90018
        90104 90105 90110 90199 10021
    """
    assert list(VERIFY_RETS) == [int(verify_ret) for verify_ret in listed.split()]


def test_the_phone_reports_success_for_all_that_the_camera_ended() -> None:
    failed = {verify_ret for verify_ret in VERIFY_RETS if phone_says(verify_ret) == "fail"}
    assert failed == {verify_ret for verify_ret in VERIFY_RETS if verify_ret >= 90000}


def test_an_id_number_selects_the_fault_of_either_call(wechat: WeChatClient) -> None:
    busy = FAULTS["busy"]
    assert wechat.begin(cert_info=cert_info(cert_no=busy.credential_id))["errcode"] == -1
    info = cert_info(cert_no=busy.query_credential_id)
    verify_id = begun(wechat, cert_info=info)
    assert wechat.query(verify_id, cert_hash=cert_hash(**info))["errcode"] == -1


def test_a_face_may_bring_its_own_fault(wechat: WeChatClient) -> None:
    verify_id = begun(wechat)
    shown = {"verify_id": verify_id, "fault": "verify_ret_text", "fault_times": 1}
    assert wechat.control("faces", shown).status_code == 200
    assert [wechat.query(verify_id)["verify_ret"] for _ in range(2)] == ["10000", 10000]
    other = begun(wechat)
    for fault, says in (("no_such", "the nearest is"), ("without_verify_id", "getverifyid only")):
        with pytest.raises(ValueError, match=says):
            wechat.sandbox.show_face(other, fault=fault)
    with pytest.raises(ValueError, match="there is no fault"):
        wechat.sandbox.show_face(other, fault_times=1)
    assert wechat.sandbox.show_face(other) == 10000  # what was refused used nothing up


def test_an_answer_that_was_lost_leaves_the_out_seq_no_taken(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("errcode_48001", "getverifyid")
    wechat.sandbox.fault("html_after_consumption", "getverifyid")
    body = wechat.begin_body()
    assert wechat.face("getverifyid", body)["errcode"] == 48001
    with pytest.raises(ValueError):
        wechat.face("getverifyid", body)
    assert wechat.face("getverifyid", body)["errcode"] == 84019
    begun = [entry for entry in wechat.sandbox.ledger if entry.call == "getverifyid"]
    assert [entry.consumed for entry in begun] == [False, True, False]


def test_a_wrong_clock_makes_a_verify_id_old(wechat: WeChatClient) -> None:
    verify_id = begun(wechat)
    wechat.sandbox.fault("clock_ahead", "queryverifyinfo")
    assert [wechat.query(verify_id)["errcode"] for _ in range(2)] == [84022, 0]


def test_the_ledger_knows_the_attempt_and_nobody(wechat: WeChatClient) -> None:
    verify_id = begun(wechat, out_seq_no="seq-of-ledger")
    wechat.sandbox.show_face(verify_id, 10004)
    wechat.query(verify_id, out_seq_no="seq-of-ledger")
    begin, query = (entry for entry in wechat.sandbox.ledger if entry.call != "stable_token")
    digest = hashlib.sha256(b"seq-of-ledger").hexdigest()
    assert {begin.auth_token_digest, query.auth_token_digest} == {digest}
    assert (begin.call, begin.consumed, begin.verdict) == ("getverifyid", True, None)
    assert (query.call, query.consumed, query.verdict) == (
        "queryverifyinfo",
        False,
        {"verify_ret": 10004},
    )
    ledger = wechat.control("ledger", method="GET").json()
    told = json.dumps(ledger, ensure_ascii=False) + repr(wechat.sandbox.ledger)
    secrets = (verify_id, NAME, NUMBER, OPENID, cert_hash(**cert_info()), "seq-of-ledger")
    assert not any(secret in told for secret in secrets)


def test_out_seq_nos_of_two_begins_at_once_are_taken_once(wechat: WeChatClient) -> None:
    query = {"access_token": wechat.access_token()}
    body = wechat.begin_body()

    def begin(_: int) -> int:
        answer = wechat.send("POST", FACE + "getverifyid", params=query, json=body)
        return int(answer.json()["errcode"])

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(16))) == [0] + [84019] * 15
