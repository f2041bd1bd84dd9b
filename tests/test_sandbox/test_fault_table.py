"""The table of faults: its names, its calls, and the citizens who meet them."""

from __future__ import annotations

import re
from itertools import compress
from pathlib import Path

import pytest

from tests.cases import each
from tests.test_sandbox.client import APP, WeChatClient
from wx_realname import resident_id
from wx_realname.sandbox import Citizen
from wx_realname.sandbox.errcodes import TEXTS
from wx_realname.sandbox.faults.fault import CALLS, FIELDS, GETVERIFYID, QUERY, REALNAME
from wx_realname.sandbox.faults.profiles import PROFILES
from wx_realname.sandbox.faults.table import (
    BY_CREDENTIAL_ID,
    BY_QUERY_CREDENTIAL_ID,
    FAULTS,
    GROUPS,
    named,
)
from wx_realname.sandbox.wechat_api import ROUTES
from wx_realname.wechat.errcodes import ERRCODES

ROOT = Path(__file__).parent.parent.parent


def test_names_are_snake_case_and_descriptions_are_one_line() -> None:
    for fault in FAULTS.values():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", fault.name)
        assert fault.description
        assert "\n" not in fault.description
    assert len(FAULTS) == sum(len(group.faults) for group in GROUPS)


@each("page", ["CHANGELOG.md", "README.md", "README.zh-CN.md"])
def test_the_pages_that_boast_of_the_table_count_it(page: str) -> None:
    said = re.findall(r"(\d+) (?:faults|种故障)", (ROOT / page).read_text())
    assert [int(number) for number in said] == [len(FAULTS)]


def test_every_call_of_this_wechat_can_meet_faults() -> None:
    assert {path.rpartition("/")[2] for path in ROUTES} == set(CALLS) == set(FIELDS)


def test_every_return_code_is_a_fault_that_consumes_nothing() -> None:
    codes = {*TEXTS, *(row.errcode for row in ERRCODES), 1005, 80111, 80112, 80113}
    for errcode in codes:
        fault = FAULTS["busy" if errcode == -1 else f"errcode_{errcode}"]
        assert (fault.group, fault.consumes, fault.calls) == ("refusal", False, CALLS)


def test_each_fault_of_an_exchange_has_a_citizen_with_a_valid_number() -> None:
    begin = {REALNAME, GETVERIFYID}
    assert len(BY_CREDENTIAL_ID) == sum(bool(begin & set(f.calls)) for f in FAULTS.values())
    assert len(BY_QUERY_CREDENTIAL_ID) == sum(QUERY in fault.calls for fault in FAULTS.values())
    assert all(fault.credential_id == number for number, fault in BY_CREDENTIAL_ID.items())
    numbers = {"99999919900101": BY_CREDENTIAL_ID, "99999919900102": BY_QUERY_CREDENTIAL_ID}
    for block, number in ((b, n) for b, known in numbers.items() for n in known):
        assert number == resident_id.normalize(number)
        assert number.startswith(block)
        assert resident_id.check_digit_holds(number)


@each(
    ("name", "number"),
    [
        ("busy", "999999199001010008"),
        ("errcode_94010", "999999199001010403"),
        ("reset_after_consumption", "999999199001013030"),
        ("html_before_consumption", "999999199001014009"),
        ("encrypted_for_another_key", "999999199001016063"),
        ("spelt_encrypted", "999999199001017007"),
        ("clock_ahead", "999999199001018501"),
        ("access_token_dies", "999999199001019002"),
    ],
)
def test_numbers_stay_what_they_are(name: str, number: str) -> None:
    """People write them into their tests: a new fault goes to the end of its group."""
    assert FAULTS[name].credential_id == number


@each(
    ("name", "call", "says"),
    [
        ("reset_after_consumtion", REALNAME, "the nearest is reset_after_consumption"),
        ("", REALNAME, "the nearest is "),
        ("x" * 10_000, REALNAME, "the nearest is "),
        ("\ud800", REALNAME, "the nearest is "),
        ("without_openid", REALNAME, "can be met by jscode2session only"),
        ("busy", "getrealname", "call: 'getrealname' is none; there are getrealnameinfo, "),
    ],
)
def test_a_wrong_name_is_told_the_way_out(name: str, call: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^(fault|call): ") as caught:
        named(name, call)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 300


def test_every_profile_names_faults_of_the_table() -> None:
    assert list(PROFILES) == ["kind", "real", "unkind"]
    assert all(set(profile.mix) <= set(FAULTS) for profile in PROFILES.values())
    mixed = [FAULTS[name] for name in PROFILES["unkind"].mix]
    assert {fault.group for fault in mixed} == {group.name for group in GROUPS} - {"clock"}
    others = (FAULTS[name].group != "face" for name in PROFILES["unkind"].mix)
    assert sum(compress(PROFILES["unkind"].mix.values(), others)) == 100
    assert sum(PROFILES["real"].mix.values()) == 1300


@pytest.mark.parametrize("fault", ["errcode_94003", "busy", "errmsg_missing", "clock_ahead"])
def test_a_citizens_number_selects_the_fault(wechat: WeChatClient, fault: str) -> None:
    number = FAULTS[fault].credential_id
    assert number
    auth_token = wechat.sandbox.issue_auth_token(Citizen("某人", number), APP)
    expected = {"errcode_94003": 94003, "busy": -1, "errmsg_missing": 45009, "clock_ahead": 94008}
    assert [wechat.ask(auth_token)["errcode"] for _ in range(2)] == [expected[fault]] * 2


def test_a_fault_that_is_given_goes_before_the_numbers(wechat: WeChatClient) -> None:
    citizen = Citizen("某人", "999999199001010008", fault="errcode_94003", fault_times=1)
    auth_token = wechat.sandbox.issue_auth_token(citizen, APP)
    assert [wechat.ask(auth_token)["errcode"] for _ in range(2)] == [94003, 0]
