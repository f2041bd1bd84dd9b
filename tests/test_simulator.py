"""The simulator's server side: there only beside the local sandbox, and without a secret in its answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_url_caches

from example_project.simulator import control
from example_project.simulator.citizens import CITIZENS
from example_project.simulator.faults import OWN
from example_project.simulator.ledger import digest_of
from tests import settings as test_settings
from tests.cases import each
from tests.lying_wechat import LyingWeChat, says
from wx_realname import resident_id
from wx_realname.exceptions import Mismatch, NoRealName
from wx_realname.sandbox import Sandbox
from wx_realname.services import check, exchange

AUTHORISE, LOGIN, WIRE = "/simulator/authorise", "/simulator/login-code", "/simulator/wire"
CITY, CARD = "/simulator/city-service", "/simulator/id-card?citizen=ordinary"
CAMERA = "/simulator/camera"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ANY = f"{WIRE}?digest={'0' * 64}&since=0"


pytestmark = pytest.mark.django_db  # for a cache in the database


@pytest.fixture(autouse=True)
def example_site(settings: Any) -> Any:
    """The site's own addresses, texts and guards."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "example_project"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    settings.ROOT_URLCONF = "example_project.urls"
    settings.LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
    yield
    clear_url_caches()


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(
        path, body if body is not None else {}, content_type="application/json", headers=headers
    )


def handed_over(client: Client, language: str = "en") -> dict[str, Any]:
    page = client.get("/", headers={"Accept-Language": language}).content.decode()
    text = page.partition('type="application/json">')[2].partition("</script>")[0]
    data: dict[str, Any] = json.loads(text)
    return data


# --- where it is served -----------------------------------------------------------------------


def refused_everywhere(client: Client) -> bool:
    answers = [client.get(path) for path in ("/", ANY, CARD)]
    answers += [post(client, path) for path in (AUTHORISE, CITY, LOGIN)]
    return {answer.status_code for answer in answers} == {404}


def test_it_is_served_beside_the_local_sandbox(client: Client, sandbox: Sandbox) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"].startswith("default-src 'self';")
    assert "no-store" in answer["Cache-Control"]
    assert client.head("/").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://api.weixin.qq.com",
        "https://127.0.0.1.example.com",
        "https://localhost.example.com",
        "https://10.0.0.1",
    ],
)
def test_beside_the_real_wechat_is_no_simulator_and_nothing_off_loopback_is_asked(
    client: Client, configure: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    configure(API_BASE_URL=address)

    def nobody_asks(*args: Any, **kwargs: Any) -> None:
        pytest.fail("an address that isn't on loopback was asked")

    monkeypatch.setattr(control.requests.Session, "request", nobody_asks)
    assert refused_everywhere(client)


@pytest.mark.parametrize(
    "script",
    [says(b"", 404), says(b"<html>"), says([]), says({}), says(b"", 302, Location="/elsewhere")],
    ids=["404", "html", "list", "empty", "redirect"],
)
def test_another_server_on_loopback_is_no_sandbox(
    client: Client, liar: LyingWeChat, script: Any
) -> None:
    liar.play(script, path="/sandbox/")
    assert refused_everywhere(client)


def test_settings_that_are_wrong_or_lead_to_nobody_are_no_sandbox(
    client: Client, configure: Any, settings: Any
) -> None:
    configure(API_BASE_URL="http://127.0.0.1:1")
    assert refused_everywhere(client)
    settings.WX_REALNAME = {}
    assert refused_everywhere(client)


# --- what may be asked ------------------------------------------------------------------------


def test_forged_requests_are_refused(sandbox: Sandbox) -> None:
    client = Client(enforce_csrf_checks=True)
    for path in (AUTHORISE, CITY, LOGIN):
        assert post(client, path).status_code == 403
    client.get("/")
    token = client.cookies["csrftoken"].value
    assert post(client, LOGIN, **{"X-CSRFToken": token}).status_code == 201


CITIZEN = {"citizen": "ordinary", "openid": "oCitizen"}
SHOWN = {"verify_id": "v", "verdict": 10000, "fault": ""}
NONSENSE: list[tuple[str, Any]] = [
    (AUTHORISE, {}),
    (AUTHORISE, {"citizen": "nobody"}),
    (AUTHORISE, {"citizen": ["ordinary"]}),
    (AUTHORISE, {"citizen": "ordinary", "fault": "none such"}),
    (AUTHORISE, {"citizen": "ordinary", "fault": 7}),
    (AUTHORISE, {"citizen": "ordinary", "fault": "code-again"}),  # the other way's
    *((AUTHORISE, body) for body in ([], "{", "[" * 100_000)),
    (CITY, CITIZEN | {"citizen": "nobody"}),
    *((CITY, CITIZEN | {"openid": openid}) for openid in ("", None, "o/../o")),
    (CITY, CITIZEN | {"fault": "unreadable"}),
    (CAMERA, SHOWN | {"verify_id": None}),
    *((CAMERA, SHOWN | {"verdict": verdict}) for verdict in (10099, "10000", True)),
    (CAMERA, SHOWN | {"fault": "forged"}),  # of the other ways
]


@each(("path", "body"), NONSENSE)
def test_nonsense_is_a_400(client: Client, sandbox: Sandbox, path: str, body: Any) -> None:
    assert post(client, path, body).status_code == 400


@each(
    "target",
    [
        CARD.replace("ordinary", "nobody"),
        *(f"{WIRE}{query}" for query in ("", "?digest=abc&since=0", "?face=none&since=0")),
        f"{WIRE}?digest={'0' * 64}&since=-1",
    ],
)
def test_a_card_and_the_wire_want_somebody_who_can_be(
    client: Client, sandbox: Sandbox, target: str
) -> None:
    assert client.get(target).status_code == 400


def test_methods(client: Client, sandbox: Sandbox) -> None:
    assert client.get(AUTHORISE).status_code == 405
    assert post(client, WIRE).status_code == 405


def test_a_sandbox_that_goes_away_is_a_502(client: Client, liar: LyingWeChat) -> None:
    liar.play(says({"merchants": [], "control": []}), path="/sandbox/")
    assert post(client, LOGIN).status_code == 502
    assert post(client, AUTHORISE, {"citizen": "ordinary"}).status_code == 502
    assert post(client, CITY, {"citizen": "ordinary", "openid": "o"}).status_code == 502


# --- what is answered -------------------------------------------------------------------------


def test_a_login_code_is_wechats(client: Client, sandbox: Sandbox) -> None:
    assert list(post(client, LOGIN).json()) == ["code", "openid"]


@pytest.mark.parametrize("key", [key for key, one in CITIZENS.items() if one.wechat_pay])
def test_every_citizen_can_authorise(client: Client, sandbox: Sandbox, user: Any, key: str) -> None:
    citizen = CITIZENS[key]
    assert resident_id.check_digit_holds(citizen.credential_id)
    answer = post(client, AUTHORISE, {"citizen": key}).json()
    assert answer["digest"] == digest_of(answer["auth_token"])
    if citizen.real_name_info:
        record = exchange(user=user, auth_token=answer["auth_token"])
        assert record.personal_data().real_name == citizen.real_name


@pytest.mark.parametrize("key", CITIZENS)
def test_every_citizen_can_be_checked_by_the_id_card(
    client: Client, sandbox: Sandbox, user: Any, key: str
) -> None:
    openid = post(client, LOGIN).json()["openid"]
    given = post(client, CITY, {"citizen": key, "openid": openid}).json()
    assert given["digest"] == digest_of(given["code"])
    card = client.get(f"/simulator/id-card?citizen={key}")
    assert "no-store" in card["Cache-Control"]
    asked = {"user": user, "openid": openid, "code": given["code"], **card.json()}
    if CITIZENS[key].wechat_pay and CITIZENS[key].real_name_info:
        assert check(**asked).personal_data().real_name == CITIZENS[key].real_name
    else:
        with pytest.raises(NoRealName):
            check(**asked)


def test_a_checks_verdict_is_on_the_wire(client: Client, sandbox: Sandbox, user: Any) -> None:
    asked = {"citizen": "ordinary", "openid": "oCitizen", "fault": "busy-once"}
    given = post(client, CITY, asked).json()
    typed = {"real_name": "王二", "credential_id": CITIZENS["ordinary"].credential_id}
    with pytest.raises(Mismatch):
        check(user=user, openid="oCitizen", code=given["code"], **typed)
    answer = client.get(f"{WIRE}?digest={given['digest']}&since={given['since']}")
    busy, verdict = answer.json()["calls"][-2:]
    assert (busy["errcode"], busy["verdict"]) == (-1, None)
    assert verdict["call"] == "checkrealnameinfo" and verdict["consumed"]
    assert verdict["verdict"] == {"verify_openid": "V_OP_NM_UM", "verify_real_name": ""}
    assert not any(text in answer.content.decode() for text in (given["code"], *typed.values()))


def test_the_wire_tells_the_visitors_calls_and_no_others(
    client: Client, sandbox: Sandbox, user: Any, auth_token: str
) -> None:
    exchange(user=user, auth_token=auth_token)  # somebody else's, before
    answer = post(client, AUTHORISE, {"citizen": "ordinary", "fault": "busy-once"}).json()
    other = post(client, AUTHORISE, {"citizen": "two"}).json()
    exchange(user=user, auth_token=other["auth_token"])
    exchange(user=user, auth_token=answer["auth_token"])
    wire = client.get(f"{WIRE}?digest={answer['digest']}&since={answer['since']}").json()
    told = [(call["call"], call["errcode"], call["consumed"]) for call in wire["calls"]]
    assert told == [("getrealnameinfo", -1, False), ("getrealnameinfo", 0, True)]
    assert wire["mch_id"] == "1900000001" and len(wire["cert_serialno"]) == 40


def test_a_dead_access_token_is_on_the_wire(client: Client, sandbox: Sandbox, user: Any) -> None:
    before = post(client, AUTHORISE, {"citizen": "two"}).json()
    exchange(user=user, auth_token=before["auth_token"])
    answer = post(client, AUTHORISE, {"citizen": "ordinary", "fault": "expired"}).json()
    exchange(user=user, auth_token=answer["auth_token"])
    wire = client.get(f"{WIRE}?digest={answer['digest']}&since={answer['since']}").json()
    told = [(call["call"], call["errcode"]) for call in wire["calls"]]
    assert told == [("getrealnameinfo", 40001), ("stable_token", 0), ("getrealnameinfo", 0)]


def test_a_ledger_that_was_reset_meanwhile(client: Client, sandbox: Sandbox, user: Any) -> None:
    answer = post(client, AUTHORISE, {"citizen": "ordinary"}).json()
    wire = client.get(f"{WIRE}?digest={answer['digest']}&since=1000").json()
    assert wire["calls"] == []


def test_no_secret_is_handed_out(client: Client, sandbox: Sandbox, user: Any) -> None:
    answer = post(client, AUTHORISE, {"citizen": "ordinary"}).json()
    exchange(user=user, auth_token=answer["auth_token"])
    wire = client.get(f"{WIRE}?digest={answer['digest']}&since=0").content.decode()
    page = client.get("/").content.decode()
    merchant = test_settings.WX_REALNAME["MERCHANTS"]["default"]  # type: ignore[index]
    for text in (wire, page):
        assert answer["auth_token"] not in text and merchant["APP_SECRET"] not in text
        assert not any(citizen.credential_id in text for citizen in CITIZENS.values())


# --- the faults -------------------------------------------------------------------------------

BOTH = ["getrealnameinfo", "checkrealnameinfo"]
TABLE = [
    {"name": "odd", "group": "strange_one", "description": "is odd"},
    {"name": "no", "group": "token", "description": "", "calls": ["stable_token"]},
    *(
        {"name": name, "group": "refusal", "description": "refuses", "calls": BOTH}
        for name in ("reset", "errcode_94003", "errcode_80112", "errcode_1005")
    ),
]


def test_the_sandboxs_faults_are_offered_where_they_can_be_met_and_played(
    client: Client, liar: LyingWeChat
) -> None:
    liar.play(says({"merchants": [], "control": []}), path="/sandbox/")
    liar.play(says({"faults": TABLE}), path="/sandbox/faults")
    liar.play(says({"entries": [], "totals": {}}), path="/sandbox/ledger")
    liar.play(says({"auth_token": "t"}, 201), path="/sandbox/auth_tokens")
    faults = {fault["name"]: fault for fault in handed_over(client)["faults"][len(OWN) :]}
    assert {name: fault["ways"] for name, fault in faults.items()} == {
        "wechat:odd": ["authorize"],
        "wechat:reset": ["authorize", "check"],
        "wechat:errcode_94003": ["authorize"],
        "wechat:errcode_80112": ["check"],
        "wechat:errcode_1005": ["check"],
    }
    signature, odd = faults["wechat:errcode_94003"], faults["wechat:odd"]
    assert (signature["label"], signature["group"]) == ("Our signature is refused", "WeChat")
    assert (odd["label"], odd["explanation"], odd["group"]) == (
        "odd",
        "is odd",
        "More: strange one",
    )
    answer = post(client, AUTHORISE, {"citizen": "ordinary", "fault": "wechat:odd"})
    assert answer.status_code == 201
    assert liar.calls[-1].body["fault"] == "odd"


def test_every_fault_has_a_group_with_a_name_and_an_explanation_in_chinese(
    client: Client, sandbox: Sandbox
) -> None:
    shown = handed_over(client, "zh-hans")
    assert len(shown["faults"]) > 60
    for fault in filter(lambda fault: fault["name"], shown["faults"]):
        assert CHINESE.search(fault["explanation"]) and CHINESE.search(fault["group"]), fault


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_panel_and_phone_say_the_same_of_a_used_up_quota(
    client: Client, sandbox: Sandbox, language: str
) -> None:
    shown = handed_over(client, language)
    phone = shown["outcomes"]["quota_exhausted"]["advice"]
    panel = {fault["name"]: fault["explanation"] for fault in shown["faults"]}
    assert panel["wechat:errcode_45009"] == phone


def test_a_sandbox_without_faults_has_ours(client: Client, liar: LyingWeChat) -> None:
    liar.play(says({"merchants": [], "control": []}), path="/sandbox/")
    assert [fault["name"] for fault in handed_over(client)["faults"]] == list(OWN)


# --- the words --------------------------------------------------------------------------------


def test_the_page_speaks_chinese_and_english(client: Client, sandbox: Sandbox) -> None:
    assert handed_over(client, "zh-hans")["texts"]["retry"] == "重试"
    assert handed_over(client, "en")["texts"]["retry"] == "Try again"
    page = client.get("/", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "微信实名授权" in page


def test_the_visitor_may_choose_the_language(client: Client, sandbox: Sandbox) -> None:
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    assert handed_over(client, "en")["language"] == "zh-hans"
