"""services.check and POST checks/: verdicts, repeats, and nothing claimed that isn't known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from tests.cases import each
from tests.conftest import Reporter, at_once, events, frames, make_stuck
from tests.lying_wechat import CHECK, NAME, NUMBER, LyingWeChat, Script, hangs_up, refuses, says
from wx_realname import audit
from wx_realname.api.permissions import RealNameVerified
from wx_realname.exceptions import BY_CODE, InvalidRequest, RealNameError
from wx_realname.models import AuditEvent, Notice, Verification
from wx_realname.sandbox import FAULTS, Citizen, Sandbox
from wx_realname.services import check, erase, exchange, find_person

pytestmark = pytest.mark.django_db
CHECKS = "/api/realname/checks/"

OPENID = "oCitizen-of-these_tests-00001"
CODE = "code-of-these-tests"
OTHER_NUMBER = "110105194912310021"
ARGUMENTS = {"openid": OPENID, "code": CODE, "real_name": NAME, "credential_id": NUMBER}


def verdict(person: Any, number: Any = "", **changes: Any) -> Script:
    fields = {"errcode": 0, "errmsg": "ok", "verify_openid": person, "verify_real_name": number}
    fields |= changes
    return says({name: value for name, value in fields.items() if value is not None})


MATCH = verdict("V_OP_NM_MA", "V_NM_ID_MA")


@pytest.fixture
def wechat(liar: LyingWeChat) -> LyingWeChat:
    liar.play(MATCH, path=CHECK)
    return liar


def asked(wechat: LyingWeChat) -> int:
    return len([call for call in wechat.calls if call.path == CHECK])


def came(user: Any, code: str = CODE, **kwargs: Any) -> str:
    """The status of the record, or the code of the error."""
    try:
        return str(check(user=user, **ARGUMENTS | {"code": code} | kwargs).status)
    except RealNameError as error:
        return error.code


def test_a_match_is_stored_as_an_exchange_is(
    wechat: LyingWeChat, user: Any, notice: Notice
) -> None:
    row = check(
        user=user,
        openid=OPENID,
        code=CODE,
        real_name="欧\u3000阳\u200b 娜",
        credential_id=f"{NUMBER[:6]} \ufeff{NUMBER[6:]}",
        notice=notice.pk,
    )
    assert row.newly_verified
    row = Verification.objects.get()
    assert (row.method, row.status, row.cert_serialno) == ("check", "verified", "")
    assert row.consent and row.consent.notice == notice
    plain = row.personal_data()
    assert plain and (plain.real_name, plain.credential_id) == (NAME, NUMBER)
    assert row.real_name_masked == "**娜" and row.check_digit_valid is not None
    assert events() == ["exchange verified"]
    assert AuditEvent.objects.get(event="exchange").method == "check"
    (call,) = (call for call in wechat.calls if call.path == CHECK)
    assert call.body == {
        "openid": OPENID,
        "real_name": NAME,
        "cred_id": NUMBER,
        "cred_type": "1",
        "code": CODE,
    }
    assert Verification.objects.current_for(user) == row
    found = find_person(actor=user, credential_id=NUMBER)
    assert [match.verification.pk for match in found.matches] == [row.pk]
    list(audit.seal())
    call_command("realname_verify_audit", verbosity=0)


@pytest.mark.parametrize(
    ("script", "expected", "status"),
    [
        (MATCH, "verified", "verified"),
        (verdict("V_OP_NM_MA;V_OP_NM_MA", "V_NM_ID_MA;"), "verified", "verified"),
        (verdict("V_OP_NM_MA", "V_NM_ID_MA", errcode=None), "verified", "verified"),
        (verdict("V_OP_NM_MA", "V_NM_ID_UM"), "mismatch", "rejected"),
        (verdict("V_OP_NM_UM"), "mismatch", "rejected"),
        (verdict("V_OP_NM_UM", None), "mismatch", "rejected"),
        (verdict("V_OP_NA"), "no_real_name", "rejected"),
        (verdict("V_OP_NA;V_OP_NM_UM"), "no_real_name", "rejected"),
        # half said, contradictory, or in words that nobody knows: never a success
        (verdict("V_OP_NM_MA"), "unreadable_answer", "unknown"),
        (verdict("V_OP_NM_MA", None), "unreadable_answer", "unknown"),
        (verdict("V_OP_NM_MA;V_OP_NM_UM", "V_NM_ID_MA"), "unreadable_answer", "unknown"),
        (verdict("V_OP_NM_MA;V_OP_NA", "V_NM_ID_MA"), "unreadable_answer", "unknown"),
        (verdict("V_OP_NM_MA", "V_NM_ID_MA;V_NM_ID_UM"), "unreadable_answer", "unknown"),
        (verdict("", "V_NM_ID_MA"), "unreadable_answer", "unknown"),
        (verdict("v_op_nm_ma", "v_nm_id_ma"), "unreadable_answer", "unknown"),
        (verdict(["V_OP_NM_MA"], {"V_NM_ID_MA": 1}), "unreadable_answer", "unknown"),
        (verdict(None, None), "unreadable_answer", "unknown"),
        (says({}), "outcome_unknown", "unknown"),
        (says(b"<html>"), "outcome_unknown", "unknown"),
        (says(b"", 502), "outcome_unknown", "unknown"),
        (hangs_up, "outcome_unknown", "unknown"),
        (refuses(80111), "invalid_code", "rejected"),
        (refuses(80112), "wechat_busy", "failed"),
        (refuses(99999), "wechat_error", "failed"),
        (refuses(94005), "invalid_auth_token", "rejected"),
    ],
)
def test_each_verdict_and_code(
    liar: LyingWeChat, user: Any, script: Script, expected: str, status: str
) -> None:
    liar.play(script, path=CHECK)
    assert came(user) == expected
    row = Verification.objects.get()
    assert row.status == status
    if status != "verified":
        assert row.real_name_encrypted is row.credential_id_masked is row.real_name_index is None


@pytest.mark.parametrize(
    ("first", "again", "calls"),
    [
        (MATCH, "verified", 1),
        (verdict("V_OP_NM_UM"), "mismatch", 1),
        (verdict("V_OP_NA"), "no_real_name", 1),
        (refuses(80113), "invalid_code", 1),
        (refuses(80112), "verified", 2),
        (refuses(1005), "verified", 2),
        (hangs_up, "verified", 2),
    ],
)
def test_a_code_that_is_posted_again(
    liar: LyingWeChat, user: Any, first: Script, again: str, calls: int
) -> None:
    liar.play(first, MATCH, path=CHECK)
    came(user)
    assert came(user) == again
    assert asked(liar) == calls


def test_a_code_refused_after_a_try_in_doubt_proves_nothing(liar: LyingWeChat, user: Any) -> None:
    liar.play(hangs_up, refuses(80113), refuses(94005), path=CHECK)
    assert came(user) == "outcome_unknown"
    assert came(user) == came(user) == "outcome_unknown"
    assert Verification.objects.get().status == "unknown"


@pytest.mark.parametrize(
    "other", [{"real_name": "王二"}, {"credential_id": OTHER_NUMBER}], ids=["name", "number"]
)
def test_a_verified_code_does_not_speak_for_another_name_or_number(
    wechat: LyingWeChat, user: Any, other: dict[str, str]
) -> None:
    assert came(user) == "verified"
    assert came(user, **other) == "invalid_code"
    assert came(user) == "verified" and asked(wechat) == 1


def test_an_erased_record_stays_what_it_is(wechat: LyingWeChat, user: Any) -> None:
    came(user)
    erase(Verification.objects.get(), actor=user, reason="a test")
    assert came(user) == "erased" and asked(wechat) == 1


def test_another_user_may_not_use_the_code(wechat: LyingWeChat, user: Any, stranger: Any) -> None:
    came(user)
    assert came(stranger) == "auth_token_in_use"
    assert events()[-1].startswith("auth_token_in_use")


def test_a_code_and_an_auth_token_of_the_same_text_are_two(wechat: LyingWeChat, user: Any) -> None:
    assert came(user, "the-same") == "verified"
    assert exchange(user=user, auth_token="the-same").method == "authorize"
    assert Verification.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_ask_once(wechat: LyingWeChat, user: Any) -> None:
    outcomes = at_once(*[lambda: came(user)] * 12)
    assert set(outcomes) <= {"verified", "exchange_in_progress"} and "verified" in outcomes
    assert asked(wechat) == 1


def test_what_a_crash_left_is_asked_again(wechat: LyingWeChat, user: Any) -> None:
    came(user)
    make_stuck()
    assert came(user) == "verified"
    assert "exchange_abandoned unknown" in events()


@each(
    ("field", "value", "words"),
    [
        ("credential_id", "11010519491231002", "This is not a resident ID number."),
        ("credential_id", "110105194913310021", ""),
        ("credential_id", 110105194912310021, ""),
        ("real_name", " ", ""),
        ("real_name", "x" * 201, ""),
        ("real_name", "a\x00b", ""),
        ("code", "", ""),
        ("code", "x" * 513, ""),
        ("openid", "not an openid", ""),
        ("openid", None, ""),
        ("openid", "13800000000", "This is not an openid."),
        ("notice", "x" * 65, ""),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    wechat: LyingWeChat, user: Any, field: str, value: Any, words: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(user=user, **ARGUMENTS | {field: value})
    ((name, (told, *_)),) = (refused.value.errors or {}).items()
    assert name == field and str(told).startswith(words)
    assert not wechat.calls and not Verification.objects.exists()


def test_it_needs_no_merchant_key(
    wechat: LyingWeChat, user: Any, configure: Callable[..., None]
) -> None:
    configure(merchant={"PRIVATE_KEY_FILE": "/nowhere/key.pem"})
    assert came(user) == "verified"


class TestRest:
    BODY = {"code": CODE, "real_name": NAME, "credential_id": NUMBER}

    @pytest.fixture
    def client(self, api: Callable[[str], APIClient]) -> APIClient:
        return api(OPENID)

    def test_201_with_the_masked_record_and_its_place_then_200(
        self, client: APIClient, wechat: LyingWeChat
    ) -> None:
        answer = client.post(CHECKS, self.BODY)
        assert answer.status_code == 201
        record = answer.json()
        assert (record["method"], record["status"]) == ("check", "verified")
        assert record["real_name"] == "**娜" and NUMBER not in answer.content.decode()
        assert client.get(answer["Location"]).json() == record
        assert client.post(CHECKS, self.BODY).status_code == 200
        assert wechat.calls[-1].body["openid"] == OPENID

    def test_an_error_names_the_record_and_says_when_to_ask_again(
        self, client: APIClient, liar: LyingWeChat
    ) -> None:
        for code, script in (("wechat_busy", refuses(80112)), ("mismatch", verdict("V_OP_NM_UM"))):
            liar.play(script, path=CHECK)
            answer = client.post(CHECKS, self.BODY)
            assert (answer.status_code, answer.json()["code"]) == (BY_CODE[code].status_code, code)
            assert answer.json()["verification"] == str(Verification.objects.get().pk)
            assert ("Retry-After" in answer) is (code == "wechat_busy")

    @pytest.mark.parametrize("field", ["code", "real_name", "credential_id"])
    @pytest.mark.parametrize("value", [None, "", 5, ["x"], "a\nb"])
    def test_a_wrong_field_is_named(
        self, client: APIClient, wechat: LyingWeChat, field: str, value: Any
    ) -> None:
        answer = client.post(CHECKS, self.BODY | {field: value})
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field] and not wechat.calls

    def test_the_openid_may_come_from_a_resolver(
        self, api: Callable[[str], APIClient], wechat: LyingWeChat, configure: Callable[..., None]
    ) -> None:
        configure(OPENID_RESOLVER="tests.test_check.openid_of")
        assert api("a name that is no openid").post(CHECKS, self.BODY).status_code == 201
        assert wechat.calls[-1].body["openid"] == "o-resolved"

    def test_without_an_openid_nothing_is_sent(
        self, api: Callable[[str], APIClient], wechat: LyingWeChat
    ) -> None:
        answer = api("a name that is no openid").post(CHECKS, self.BODY)
        assert (answer.status_code, answer.json()["code"]) == (503, "misconfigured")
        assert not wechat.calls

    def test_nobody_else_may_call(
        self, api: Callable[[str], APIClient], wechat: LyingWeChat
    ) -> None:
        assert api("").post(CHECKS, self.BODY).status_code in (401, 403)
        assert api(OPENID).get(CHECKS).status_code == 405


def openid_of(request: Any) -> str:
    return "o-resolved"


def test_nothing_of_the_citizens_is_told(liar: LyingWeChat, user: Any, reporter: Reporter) -> None:
    for n, lie in enumerate((partial(refuses, 80113), says, partial(refuses, 99999))):
        echo = f"{NAME} {NUMBER} {CODE}-{n} {OPENID}"
        liar.play(lie(echo), path=CHECK)
        came(user, f"{CODE}-{n}")
    liar.play(hangs_up, MATCH, path=CHECK)
    came(user)
    came(user)
    told = "".join(reporter.told)
    for planted in (NAME, NUMBER, CODE):
        assert planted not in told
    assert not [row for row in Verification.objects.all() if NUMBER in row.errmsg]


@pytest.mark.parametrize("wrong", [{}, {"credential_id": f"{NUMBER}0"}, {"openid": "no openid"}])
def test_plain_arguments_are_in_no_frame_of_ours(
    liar: LyingWeChat, user: Any, wrong: dict[str, Any]
) -> None:
    liar.play(refuses(80113), path=CHECK)
    with pytest.raises(RealNameError) as caught:
        check(user=user, **ARGUMENTS | wrong)
    with pytest.raises(RealNameError) as again:
        exchange(user=None, auth_token=CODE)
    told = "".join([*frames(caught.value), *frames(again.value)])
    assert not [planted for planted in (NAME, NUMBER, CODE) if planted in told]


def test_a_permission_may_ask_for_some_methods(wechat: LyingWeChat, user: Any) -> None:
    came(user)

    request = SimpleNamespace(user=user)
    assert RealNameVerified().has_permission(request, None)
    assert RealNameVerified.by("check")().has_permission(request, None)
    assert RealNameVerified.by("face", "check")().has_permission(request, None)
    assert not RealNameVerified.by("authorize")().has_permission(request, None)
    assert not RealNameVerified.by("face", "authorize")().has_permission(request, None)
    with pytest.raises(ValueError, match="authorize, face, check"):
        RealNameVerified.by("face", "oracle")


# --- over HTTP to the local WeChat -------------------------------------------------------------

CHECK_CALL = "checkrealnameinfo"


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (Citizen(NAME, NUMBER), "verified"),
        (Citizen("王二", NUMBER), "mismatch"),
        (Citizen(NAME, OTHER_NUMBER), "mismatch"),
        (Citizen(NAME, NUMBER, real_name_info=False), "no_real_name"),
        (Citizen(NAME, NUMBER, wechat_pay=False), "no_real_name"),
    ],
)
def test_the_verdict_is_the_citizens(
    sandbox: Sandbox, user: Any, person: Citizen, expected: str
) -> None:
    code = sandbox.issue_check_code(person, OPENID)
    assert came(user, code) == came(user, code) == expected
    assert sandbox.totals[CHECK_CALL] == 1


@pytest.mark.parametrize("name", [f.name for f in FAULTS.values() if CHECK_CALL in f.calls])
def test_no_fault_makes_a_false_match(
    sandbox: Sandbox, user: Any, configure: Callable[..., None], name: str
) -> None:
    configure(READ_TIMEOUT=0.8, TOTAL_TIMEOUT=2)
    code = sandbox.issue_check_code(Citizen(NAME, NUMBER), OPENID)
    sandbox.fault(name, call=CHECK_CALL, times=3)
    outcome = came(user, code)
    if outcome == "wechat_unreachable":  # a connection that the fault before had closed
        outcome = came(user, code)
    sandbox.clear_faults()
    kind = FAULTS[name].group in ("quirk", "slow", "clock", "token")
    assert (outcome == "verified") is kind, outcome
    if outcome == "outcome_unknown":
        assert Verification.objects.get().in_doubt
