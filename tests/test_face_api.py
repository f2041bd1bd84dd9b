"""POST faces/ and faces/<id>/result/: bodies, owners, throttles; the waiting records of a restarted phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from rest_framework.test import APIClient

from tests.conftest import at_once, events, heard
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, doing, hangs_up, refuses, stalls
from tests.test_face import (
    BEGIN,
    CHILD,
    OPENID,
    QUERY,
    VERIFY_ID,
    asked,
    begin,
    begun,
    came_to,
    faults,
    wechat,
)
from tests.test_leaks import everything_in
from wx_realname.models import Consent, Notice, Verification
from wx_realname.services import withdraw
from wx_realname.signals import verification_erased

__all__ = ["wechat"]

pytestmark = pytest.mark.django_db(transaction=True)
Api = Callable[..., APIClient]
Configure = Callable[..., None]

FACES, LIST = "/api/realname/faces/", "/api/realname/verifications/"
BODY = {"real_name": NAME, "credential_id": NUMBER}


def result(record: Any) -> str:
    return f"{FACES}{record}/result/"


def test_a_face_over_rest(wechat: LyingWeChat, api: Api) -> None:
    citizen = api(OPENID)
    response = citizen.post(FACES, BODY)
    body = response.json()
    assert response.status_code == 201 and response["Cache-Control"] == "no-store"
    record = LIST + body["id"] + "/"
    assert response["Location"] == f"http://testserver{record}"
    assert (body["method"], body["status"], body["verify_id"]) == ("face", "waiting", VERIFY_ID)
    assert body["real_name"] is body["credential_id"] is body["verified_at"] is None
    assert body["expires_at"].endswith("Z")
    seen = citizen.get(record).json()
    assert "verify_id" not in seen and "expires_at" not in seen
    assert wechat.calls[-1].body["openid"] == OPENID

    ended = citizen.post(result(body["id"]))
    assert ended.status_code == 200 and "Location" not in ended
    assert (ended.json()["status"], ended.json()["real_name"]) == ("verified", "**娜")
    assert citizen.post(result(body["id"]), {"verify_ret": 10004}).json() == ended.json()
    assert citizen.get(f"{LIST}current/").json() == ended.json()


def test_the_result_of_a_verified_face_needs_no_ciphertexts_key(
    wechat: LyingWeChat, api: Api, configure: Configure
) -> None:
    citizen = api(OPENID)
    record = citizen.post(FACES, BODY).json()["id"]
    verified = citizen.post(result(record)).json()
    configure(ENCRYPTION_KEYS=["gone:AES-256-GCM:" + "A" * 43 + "="])
    assert citizen.get(f"{LIST}{record}/").json() == verified
    again = citizen.post(result(record))
    assert (again.status_code, again.json()) == (200, verified)


def test_a_face_begun_while_consent_is_withdrawn_is_an_erased_record(
    wechat: LyingWeChat, api: Api, user: Any, notice: Notice, caplog: pytest.LogCaptureFixture
) -> None:
    """As an exchange is in that race: 200 and the record, without a verify_id."""

    def withdraw_it() -> None:
        withdraw(Consent.objects.get(), user=user)

    wechat.play(doing(withdraw_it, begun()), path=BEGIN)
    response = api(user.get_username()).post(FACES, BODY | {"notice": str(notice.pk)})
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "erased") and "Location" not in response
    assert body["verify_id"] is body["expires_at"] is body["real_name"] is None
    assert events() == ["consent_withdrawn", "exchange erased"]
    assert "contradicts" not in caplog.text


def test_the_openid_is_the_logins_never_the_bodys(wechat: LyingWeChat, api: Api) -> None:
    api(OPENID).post(FACES, BODY | {"openid": "oSomebody-else-of-these-tests"})
    assert wechat.calls[-1].body["openid"] == OPENID


@pytest.mark.parametrize("name", ["real_name", "credential_id"])
@pytest.mark.parametrize("value", [None, "", " ", 5, ["x"], "x\x00", "x" * 600, "\ud800"])
def test_a_wrong_body_is_refused(wechat: LyingWeChat, api: Api, name: str, value: Any) -> None:
    body = {key: of for key, of in (BODY | {name: value}).items() if of is not None}
    response = api(OPENID).generic("POST", FACES, json.dumps(body), content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert set(response.json()["errors"]) == {name}
    assert wechat.calls == [] and not Verification.objects.exists()


def test_anothers_and_other_records_have_no_result(
    wechat: LyingWeChat, api: Api, user: Any
) -> None:
    own = begin(user)
    assert api("stranger").post(result(own.pk)).status_code == 404
    exchanged = api().post(LIST, {"auth_token": "auth-token-of-these-tests"}).json()
    assert api().post(result(exchanged["id"])).json()["code"] == "not_found"
    assert api("").post(result(own.pk)).status_code == 401
    assert api().get(result(own.pk)).status_code == 405
    assert api().get(FACES).status_code == 405
    assert api().post(f"{FACES}nobody/result/").json()["code"] == "not_found"
    assert asked(wechat) == 0 and Verification.objects.get(pk=own.pk).status == "waiting"


def test_an_error_says_what_comes_next(wechat: LyingWeChat, api: Api) -> None:
    citizen = api(OPENID)
    record = citizen.post(FACES, BODY).json()["id"]
    wechat.play(came_to(10300), path=QUERY)
    waits = citizen.post(result(record))
    assert (waits.status_code, waits.json()["retry"], waits["Retry-After"]) == (409, "later", "2")
    assert waits.json()["verification"] == record
    wechat.play(came_to(10004), path=QUERY)
    for _ in range(2):
        refused = citizen.post(result(record))
        body = refused.json()
        assert (refused.status_code, body["code"], body["retry"]) == (
            422,
            "mismatch",
            "reauthorize",
        )
        assert (body["verification"], body["wechat"]) == (record, None)
    wechat.play(refuses(84015), path=BEGIN)
    refused = citizen.post(FACES, BODY)
    assert refused.status_code == 422 and refused.json()["wechat"]["errcode"] == 84015
    assert refused.json()["verification"] and events() == ["exchange rejected"] * 2


def test_a_restarted_phone_finds_what_waits(wechat: LyingWeChat, api: Api) -> None:
    citizen = api(OPENID)
    first, second = (citizen.post(FACES, BODY).json()["id"] for _ in range(2))
    citizen.post(result(first))

    def found(status: str) -> list[str]:
        return [each["id"] for each in citizen.get(LIST, {"status": status}).json()["results"]]

    assert (found("waiting"), found("verified"), found("failed")) == ([second], [first], [])
    assert len(citizen.get(LIST).json()["results"]) == 2
    for nonsense in ("", "WAITING", "all", "waiting "):
        wrong = citizen.get(LIST, {"status": nonsense})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
        assert set(wrong.json()["errors"]) == {"status"}


def test_only_begins_that_reached_wechat_are_counted(
    wechat: LyingWeChat, api: Api, configure: Configure
) -> None:
    citizen = api(OPENID)
    configure(FACE_RATE="2/hour", MINORS="refuse", THROTTLE_RATE="1/min")
    for body in ({}, BODY | {"merchant": "nobody"}, BODY | {"credential_id": CHILD}) * 2:
        assert citizen.post(FACES, body).json()["code"] in ("invalid", "minor")
    before = wechat.url
    configure(API_BASE_URL="http://127.0.0.1:1")
    assert citizen.post(FACES, BODY).json()["code"] == "wechat_unreachable"
    configure(API_BASE_URL=before)
    wechat.play(refuses(84014), path=BEGIN)
    codes = [citizen.post(FACES, BODY).json()["code"] for _ in range(2)]
    late = citizen.post(FACES, BODY)
    assert codes == ["mismatch"] * 2
    assert (late.status_code, late.json()["code"], late.json()["retry"]) == (
        429,
        "throttled",
        "later",
    )
    assert 0 < int(late["Retry-After"]) <= 3600
    assert api("oAnother-citizen").post(FACES, BODY).json()["code"] == "mismatch"
    assert citizen.post(LIST, {"auth_token": "auth-token-of-these-tests"}).status_code == 201


def test_begins_that_wechat_never_answered_are_counted(
    wechat: LyingWeChat, api: Api, configure: Configure
) -> None:
    """Time-outs use up TOTAL_TIMEOUT: the last try isn't sent any more, the earlier ones were."""
    configure(FACE_RATE="2/hour", READ_TIMEOUT=0.3, TOTAL_TIMEOUT=0.6)
    wechat.play(stalls, path=BEGIN)
    citizen = api(OPENID)
    codes = [citizen.post(FACES, BODY).json()["code"] for _ in range(3)]
    assert codes == ["wechat_unreachable", "wechat_unreachable", "throttled"]
    assert {row.error_code for row in Verification.objects.all()} == {"wechat_unreachable"}


def test_a_burst_of_begins_does_not_slip_through(
    wechat: LyingWeChat, api: Api, user: Any, configure: Configure
) -> None:
    configure(FACE_RATE="3/hour")
    begin(user)  # so that the user and the access_token are there
    before = asked(wechat, BEGIN)
    works = [lambda: api("citizen").post(FACES, BODY).status_code] * 8
    assert sorted(at_once(*works)) == [201] * 3 + [429] * 5
    assert asked(wechat, BEGIN) - before == 3


def test_results_have_a_rate_of_their_own(
    wechat: LyingWeChat, api: Api, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_realname.services.limits.POLLING_RATE", "3/min")
    configure(FACE_RATE="9/hour", THROTTLE_RATE="1/min")
    citizen = api(OPENID)
    one, other = (citizen.post(FACES, BODY).json()["id"] for _ in range(2))
    wechat.play(came_to(10005), path=QUERY)
    codes = [citizen.post(result(one)).json()["code"] for _ in range(4)]
    assert codes == ["face_not_finished"] * 3 + ["throttled"]
    assert citizen.post(result(other)).json()["code"] == "face_not_finished"


def test_a_waiting_record_is_deleted(wechat: LyingWeChat, api: Api) -> None:
    citizen = api(OPENID)
    record = citizen.post(FACES, BODY).json()["id"]
    with heard(verification_erased) as sent:
        deleted = [citizen.delete(f"{LIST}{record}/").status_code for _ in range(2)]
    assert (deleted, len(sent)) == ([204, 204], 1)
    ended = citizen.post(result(record))
    assert (ended.status_code, ended.json()["status"]) == (200, "erased")
    assert asked(wechat) == 0 and Verification.objects.get().face_encrypted is None
    assert events() == ["erase erased"] and faults() == []


def test_no_verify_id_stays_in_the_cache(wechat: LyingWeChat, api: Api) -> None:
    citizen = api(OPENID)
    record = citizen.post(FACES, BODY).json()["id"]
    wechat.play(hangs_up, path=QUERY)
    citizen.post(result(record))
    kept = [
        item.encode() if isinstance(item, str) else item
        for item in everything_in(caches["default"])
    ]
    planted = [text.encode() for text in (VERIFY_ID, NAME, NUMBER, OPENID)]
    assert kept and not any(text in item for text in planted for item in kept)
