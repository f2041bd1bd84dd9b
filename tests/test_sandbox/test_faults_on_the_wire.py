"""Every fault, over a raw socket: what comes, and what the ledger says of it."""

from __future__ import annotations

import gzip
import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest

from tests.test_sandbox.client import APP, NAME, NUMBER, WeChatClient, decrypted
from tests.test_sandbox.wire import UNHURRIED, Came, Patience, exchange, request_for
from wx_realname.sandbox import Citizen, LedgerEntry, MerchantKey
from wx_realname.sandbox.faults.fault import CALLS, CHECK, GETVERIFYID, REALNAME, Fault
from wx_realname.sandbox.faults.table import FAULTS

# The client waits in vain for more, so that the test doesn't wait for long.
WAITS = ("stalled_body", "slow_drip", "slow_drip_of_head", "content_length_too_long")
NOTHING = {"timeout", "reset", "close", "late_answer"}
PART = {"reset_in_the_head", "reset_in_the_body", "cut_body", "stalled_body", "slow_drip"}
PART |= {"slow_drip_of_head", "endless_head", "huge_body", "endless_body"}
ENDS = {
    **dict.fromkeys(("reset", "reset_in_the_head", "reset_in_the_body"), "reset"),
    **dict.fromkeys(("close", "cut_body", "connection_close", "keep_alive_broken"), "closed"),
    **dict.fromkeys(("http_1_0", "without_content_length", "content_length_twice"), "closed"),
    **dict.fromkeys(("garbage_status_line", "header_without_colon", "huge_header"), "closed"),
    **dict.fromkeys(("huge_body", "endless_body", "endless_head", "gzip_bomb"), "enough"),
}
# What is to be seen in the bytes, as a regular expression.
SIGNS: dict[str, bytes] = {
    "reset_in_the_head": rb"^HTTP/1.1 200 OK\r\nDate: [^{]*$",
    "reset_in_the_body": rb'\{"errcode":0,[^}]*$',
    "cut_body": rb'\{"errcode":0,[^}]*$',
    "stalled_body": rb'\{"errcode":0,[^}]*$',
    "slow_drip": rb'\r\n\r\n(?:\{"?e?r?r?)?$',
    "slow_drip_of_head": rb"^(?:HT?T?P?)?$",
    "html": rb"200 OK\r\n.*text/html.*<html>",
    "http_500": rb'^HTTP/1.1 500 .*\{"errcode":-1',
    "http_502": rb"^HTTP/1.1 502 .*text/html.*<h1>502",
    "http_503": rb"^HTTP/1.1 503 .*text/html",
    "http_504": rb"^HTTP/1.1 504 .*text/html",
    "http_500_with_answer": rb'^HTTP/1.1 500 .*\{"errcode":0,.*encryted_real_name',
    "http_403": rb"^HTTP/1.1 403 .*<html>",
    "http_429": rb"^HTTP/1.1 429 .*<html>",
    "http_204": rb"^HTTP/1.1 204 .*\r\n\r\n$",
    "redirect_302": rb"^HTTP/1.1 302 .*Location: /elsewhere\r\n",
    "redirect_307": rb"^HTTP/1.1 307 .*Location: /elsewhere\r\n",
    "empty_body": rb"Content-Length: 0\r\n.*\r\n\r\n$",
    "cut_json": rb"\r\n\r\n\{[^}]*$",
    "json_list": rb"\r\n\r\n\[\{.*\}\]$",
    "json_string": rb'\r\n\r\n"\{\\"errcode\\":0.*\}"$',
    "json_number": rb"\r\n\r\n0$",
    "json_null": rb"\r\n\r\nnull$",
    "json_empty_object": rb"\r\n\r\n\{\}$",
    "json_deep": rb"\r\n\r\n\[{30000}\]{30000}$",
    "json_not_utf8": rb"\} \xff$",
    "bom": rb"\r\n\r\n\xef\xbb\xbf\{",
    "trailing_garbage": rb"\}\n<!-- -->$",
    "duplicate_errcode": rb'"errcode":0,.*"errcode":94004,',
    "errcode_text": rb'"errcode":"0"',
    "errcode_fraction": rb'"errcode":0\.5',
    "errcode_true": rb'"errcode":true',
    "errcode_beyond_32_bits": rb'"errcode":1000000000000',
    "content_length_twice": rb"Content-Length: \d+\r\n.*Content-Length: 9\r\n",
    "garbage_status_line": rb"^HTTP/1.1 two hundred\r\n",
    "header_without_colon": rb"\r\nthis is no header\r\n\r\n\{",
    "huge_header": rb"X-Long: x{100000}\r\n\r\n\{",
    "endless_head": rb"^HTTP/1.1 200 OK\r\n(.*X-More: of the same\r\n){9}",
    "huge_body": rb'Content-Length: 1073741824\r\n.*\{"errcode":0,"errmsg":"ok {999}',
    "endless_body": rb"Transfer-Encoding: chunked\r\n\r\n10000\r\n {65536}\r\n10000\r\n",
    "wrong_types_number": rb'"encryted_real_name":7,"encryted_credential_id":7\}',
    "wrong_types_null": rb'"encryted_real_name":null,"encryted_credential_id":null\}',
    "wrong_types_nested": rb'"encryted_real_name":\{"value":\["',
    "without_both_fields": rb'\{"errcode":0,"errmsg":"ok"\}$',
    "broken_base64": rb'"encryted_real_name":"%',
    "cut_base64": rb'"encryted_real_name":"[^"]{172}"',
    "without_access_token": rb'\r\n\r\n\{"expires_in":7200\}$',
    "without_expires_in": rb'\r\n\r\n\{"access_token":"[^,]*\}$',
    "expires_in_text": rb'"expires_in":"7200"',
    "expires_in_negative": rb'"expires_in":-1',
    "without_category_list": rb'\r\n\r\n\{"errcode":0,"errmsg":"ok"\}$',
    "verdicts_contradict": rb'"verify_openid":"V_OP_NM_MA;V_OP_NM_UM"',
    "verdict_half_said": rb'"verify_openid":"V_OP_NM_MA","verify_real_name":""',
    "without_openid": rb'\r\n\r\n\{"session_key":"[^,]*\}$',
    "json_indented": rb'\r\n\r\n\r\n\t\{\n    "errcode": 0,\n',
    "json_escaped": rb'\{"\\u0065\\u0072\\u0072',
    "content_type_text": rb"Content-Type: text/plain\r\n",
    "without_date": rb"^(?!.*\r\nDate: )",
    "chunked_answer": rb"Transfer-Encoding: chunked\r\n\r\n64\r\n\{.*\}\r\n0\r\n\r\n$",
    "without_content_length": rb"^(?!.*Content-Length)",
    "http_1_0": rb"^HTTP/1.0 200",
    "continue_first": rb"^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    "connection_close": rb"\r\nConnection: close\r\n",
    "keep_alive_broken": rb"\r\nConnection: keep-alive\r\n",
    "answer_twice": rb"^HTTP/1.1 200 .*\}HTTP/1.1 200 .*\}$",
    "clock_ahead": rb'"errcode":94008,',
    "clock_behind": rb'"errcode":94008,',
    "access_token_dies": rb'"errcode":40001,',
    "dead_token_repeated": rb'"errcode":40001,',
    "busy": rb'"errcode":-1,',
    "busy_after_consumption": rb'"errcode":-1,',
    "unknown_errcode": rb'"errcode":99999,',
    "errmsg_with_control_characters": rb'"errcode":45009,.*\\u0000\\r\\n',
    "errmsg_with_secrets": rb'"errcode":45009,.*auth_token',
    "errmsg_not_text": rb'"errmsg":\{"zh":',
    "passed_on_the_phone_alone": rb'"verify_ret":10004\}',
    "verify_ret_text": rb'"verify_ret":"10000"\}',
    "verify_ret_fraction": rb'"verify_ret":10000\.0\}',
    "verify_ret_list": rb'"verify_ret":\[10000\]\}',
    "verify_ret_true": rb'"verify_ret":true\}',
    "verify_ret_unknown": rb'"verify_ret":10099\}',
    "verify_ret_repeated": rb'"verify_ret":10021\}',
    "passed_and_refused": rb'"errcode":45009,.*"verify_ret":10000\}',
    "without_verify_ret": rb'\r\n\r\n\{"errcode":0,"errmsg":""\}$',
    "without_verify_id": rb'\r\n\r\n\{"errcode":0,"errmsg":"","expires_in":3600\}$',
    "verify_id_empty": rb'"verify_id":"",',
    "verify_id_too_long": rb'"verify_id":"[^"]{257}",',
    "face_without_errcode": rb'\r\n\r\n\{"errmsg":"","verify_id":',
    "huge_errmsg": rb'"errmsg":"[^"]{19000}',
    "gzip_bomb": rb"^(?=.*\r\nContent-Encoding: gzip\r\n).*Content-Length: 1\d{6}\r\n",  # 1 MiB, of 1 GiB
    "gzip_unasked": rb"\r\nContent-Encoding: gzip\r\n",
    "errmsg_missing": rb'\r\n\r\n\{"errcode":45009\}$',
}

UNREADABLE = [f.name for f in FAULTS.values() if f.group == "unreadable" and REALNAME in f.calls]


def base(name: str) -> str:
    return re.sub(r"(?<!busy)_(before|after)_consumption$", "", name)


def delivered(fault: Fault) -> str:
    name = base(fault.name)
    return "nothing" if name in NOTHING else "part" if name in PART else "whole"


def patience(fault: Fault, seconds: float = 0.15, after: float = 0.02) -> Patience:
    """`seconds` for what doesn't come; much more for what is sure to come, if late."""
    name = base(fault.name)
    if delivered(fault) == "nothing" and name not in ENDS:
        return Patience(first=seconds)
    closes = ENDS.get(name) == "closed"
    return Patience(rest=seconds if name in WAITS else 5, after=5 if closes else after)


def met(
    wechat: WeChatClient, fault: Fault, call: str, patience: Patience
) -> tuple[Came, LedgerEntry]:
    """Let the call meet the fault; the entry is that of a request which the server has seen."""
    wechat.sandbox.fault(fault.name, call)
    request = request_for(call, wechat, wechat.sandbox.issue_auth_token(Citizen(NAME, NUMBER), APP))
    before = len(wechat.sandbox.ledger)
    came = exchange(wechat.sandbox.url, request, patience)
    end = time.monotonic() + 5
    while len(wechat.sandbox.ledger) == before and time.monotonic() < end:
        time.sleep(0.005)
    return came, wechat.sandbox.ledger[before]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_shows_on_the_wire_and_the_ledger_tells_the_truth(
    wechat: WeChatClient, fault: Fault
) -> None:
    call, name = fault.calls[0], base(fault.name)
    came, entry = met(wechat, fault, call, patience(fault))
    assert (entry.fault, entry.delivered) == (fault.name, delivered(fault))
    assert entry.consumed is (fault.consumes and call in (REALNAME, CHECK, GETVERIFYID))
    assert came.ending == ENDS.get(name, "silence")
    assert re.search(SIGNS.get(name, b""), came.data, re.DOTALL)
    if entry.delivered == "nothing":
        assert came.data == b""
    if fault.name.startswith("errcode_") and fault.group == "refusal":
        assert json.loads(came.body)["errcode"] == entry.errcode == int(fault.name[8:])
    assert wechat.send("GET", "/").status_code == 404


@pytest.mark.parametrize("call", CALLS[1:])
def test_every_other_call_can_meet_its_faults(wechat: WeChatClient, call: str) -> None:
    for fault in FAULTS.values():
        if call in fault.calls[1:] and fault.group != "refusal":
            wechat.clock.advance(31)  # forcing a token is allowed every 30 s
            wechat.sandbox.expire_access_tokens()  # a dead one isn't repeated any more
            came, entry = met(wechat, fault, call, patience(fault, 0.02, 0.003))
            # neither is signed, so a wrong clock refuses none
            consumed = call in (CHECK, GETVERIFYID) and (fault.consumes or fault.group == "clock")
            assert (entry.fault, entry.consumed) == (fault.name, consumed)
            assert came.ending in (ENDS.get(base(fault.name), "silence"), "silence")


@pytest.mark.parametrize(
    ("name", "off"), [("content_length_too_long", 100), ("content_length_too_short", -9)]
)
def test_a_content_length_that_is_off(wechat: WeChatClient, name: str, off: int) -> None:
    came, _ = met(wechat, FAULTS[name], REALNAME, patience(FAULTS[name]))
    length = re.search(rb"Content-Length: (\d+)", came.data)
    assert length
    assert int(length[1]) == len(came.body) + off


@pytest.mark.parametrize("name", UNREADABLE)
def test_the_unreadable_says_success(wechat: WeChatClient, key: MerchantKey, name: str) -> None:
    came, entry = met(wechat, FAULTS[name], REALNAME, UNHURRIED)
    answer = json.loads(came.body)
    assert (answer["errcode"], entry.errcode) == (0, 0)
    with suppress(KeyError, TypeError, ValueError):
        assert decrypted(key, answer) != (NAME, NUMBER)


def test_the_quirks_of_spelling_are_the_true_answer(wechat: WeChatClient, key: MerchantKey) -> None:
    def answer(name: str) -> dict[str, Any]:
        return dict(json.loads(met(wechat, FAULTS[name], REALNAME, UNHURRIED)[0].body))

    spelt = answer("spelt_encrypted")
    assert set(spelt) == {"errcode", "errmsg", "encrypted_real_name", "encrypted_credential_id"}
    respelt = {name.replace("encrypted", "encryted"): value for name, value in spelt.items()}
    assert decrypted(key, respelt) == (NAME, NUMBER)
    folded = answer("base64_with_newlines")
    assert folded["encryted_real_name"].count("\r\n") == 5
    assert decrypted(key, folded) == (NAME, NUMBER)
    assert "errcode" not in answer("without_errcode")
    assert "errmsg" not in answer("without_errmsg")
    assert decrypted(key, answer("extra_fields")) == (NAME, NUMBER)
    assert decrypted(key, answer("duplicate_keys")) == (NAME, NUMBER)
    came, _ = met(wechat, FAULTS["gzip_unasked"], REALNAME, UNHURRIED)
    assert decrypted(key, json.loads(gzip.decompress(came.body))) == (NAME, NUMBER)


def test_the_ip_that_is_not_in_the_whitelist_is_named(wechat: WeChatClient) -> None:
    wechat.sandbox.fault("errcode_40164", "stable_token")
    errmsg = wechat.stable_token()["errmsg"]
    assert re.match(r"invalid ip 198\.51\.100\.7 .*, not in whitelist rid: ", errmsg)
