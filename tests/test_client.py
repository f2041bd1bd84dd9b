"""The calls to WeChat: what is repeated and what never, what counts as an answer and what doesn't."""

from __future__ import annotations

import base64
import functools
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import stand_ins
from tests.conftest import at_once, frames
from tests.lying_wechat import CHECK, NAME, NUMBER, REALNAME, TOKEN, echoes, encrypted
from tests.stand_ins import Behaviour, Seen, StandIn, hangs, says
from wx_realname.exceptions import RealNameError
from wx_realname.personal_data import PersonalData, Secret
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.sandbox.tls import prepare
from wx_realname.services import clients
from wx_realname.wechat import face
from wx_realname.wechat.errcodes import DEAD_ACCESS_TOKEN, ERRCODES
from wx_realname.wechat.reading import MAX_ANSWER_BYTES, Deadline

pytestmark = pytest.mark.django_db  # for a cache in the database
CATEGORY, LOGIN = "/wxa/get_category", "/sns/jscode2session"
AUTH_TOKEN, DEAD, FRESH = "auth-token-of-a-citizen", "70_dead-access-token", "71_fresh-token"
SECRET, JS_CODE, SESSION_KEY = "tests-have-no-secret", "js-code-of-a-citizen", "session-key-of-hers"
HIDDEN = (NAME, NUMBER, AUTH_TOKEN, DEAD, FRESH, SECRET, JS_CODE, SESSION_KEY)
ECHO = f'{{"errmsg": "{AUTH_TOKEN} {FRESH} {DEAD} {SECRET}"}}'.encode()
UNREACHABLE = ("wechat_unreachable", False)
Call = Callable[[], Any]
BUSY = says({"errcode": -1, "errmsg": "system error"})


def identity(name: bytes | str = NAME, number: bytes | str = NUMBER) -> dict[str, Any]:
    name_, number_ = (
        encrypted(text if isinstance(text, bytes) else text.encode("gb18030"))
        for text in (name, number)
    )
    return {"encryted_real_name": name_, "encryted_credential_id": number_}


@pytest.fixture
def wechat(
    no_access_tokens: None, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    monkeypatch.setattr("wx_realname.wechat.client.BACK_OFF", 0.001)
    with StandIn() as server:
        configure(API_BASE_URL=server.url)
        server.always(says({"access_token": FRESH, "expires_in": 7200}), TOKEN)
        yield server


def client() -> Any:
    return clients.client_for(clients.find("default"))


def ask(seconds: float = 5, auth_token: str = AUTH_TOKEN) -> PersonalData:
    data = client().getrealnameinfo(Secret(auth_token), key(), Deadline(seconds))
    assert isinstance(data, PersonalData)
    return data


@functools.cache
def key() -> Any:
    return client().keys.now()  # loading one takes longer than a test


def check() -> None:
    typed = PersonalData(NAME, NUMBER)
    client().checkrealnameinfo("o-openid", Secret(AUTH_TOKEN), typed, Deadline(5))


def categories() -> Any:
    return client().get_category(Deadline(5))


def login() -> Any:
    return client().jscode2session(Secret(JS_CODE), Deadline(5))


def begin_face() -> Any:
    typed = PersonalData(NAME, NUMBER)
    return face.getverifyid(client(), Secret("o-openid"), typed, ["seq-0001"], Deadline(5))


def query_face() -> Any:
    begun, typed = face.Begun(Secret("a-verify-id"), "seq-0001", 3600), PersonalData(NAME, NUMBER)
    return face.queryverifyinfo(client(), begun, Secret("o-openid"), typed, Deadline(5))


@pytest.mark.parametrize("citizens", [ask, check, begin_face, query_face])
def test_a_call_about_a_citizen_has_a_connection_of_its_own(
    wechat: StandIn, citizens: Call
) -> None:
    """The token and the categories share one; an answer meant for another citizen can't be read from it."""
    wechat.always(says({"errcode": 0, "category_list": [], "verify_id": "a-verify-id"}))
    for call in (categories, citizens, categories, citizens):
        with suppress(RealNameError):
            call()
    shared = [seen for seen in wechat.requests if seen.path in (TOKEN, CATEGORY)]
    own = [seen for seen in wechat.requests if seen not in shared]
    assert len(own) == 2 and len({seen.port for seen in own}) == 2
    assert {seen.headers["connection"] for seen in own} == {"close"}
    assert {seen.port for seen in shared} == {shared[0].port}
    assert not {seen.port for seen in own} & {shared[0].port}


def failure(call: Call = ask) -> RealNameError:
    """The error; neither it nor a traceback shows anything."""
    with pytest.raises(RealNameError) as caught:
        call()
    assert not [text for text in HIDDEN if text in "".join(frames(caught.value))]
    return caught.value


def end(call: Call = ask) -> tuple[str, bool]:
    """The error's code, and whether it is in doubt."""
    return (error := failure(call)).code, error.in_doubt


def posts(wechat: StandIn, path: str = REALNAME) -> list[Seen]:
    return [seen for seen in wechat.requests if seen.path == path]


def test_the_exchange_is_asked_as_the_document_says(wechat: StandIn) -> None:
    wechat.play(says(identity()), path=REALNAME)
    ask()
    seen = posts(wechat)[0]
    assert (seen.method, seen.query) == ("POST", {"access_token": FRESH})
    body = seen.json
    assert list(body) == ["auth_token", "mch_id", "cert_serialno", "timestamp", "sign"]
    assert (body["auth_token"], body["mch_id"]) == (AUTH_TOKEN, "1900000001")
    assert re.fullmatch("[0-9A-F]{40}", body["cert_serialno"])
    assert type(body["timestamp"]) is int
    assert abs(body["timestamp"] - time.time()) < 10
    signed = f"cert_serialno={body['cert_serialno']}&timestamp={body['timestamp']}".encode()
    public = key().certificate.public_key()
    public.verify(base64.b64decode(body["sign"]), signed, padding.PKCS1v15(), SHA256())


CITIZENS = {NAME: NUMBER, "阿卜杜拉·买买提": "11010519491231002x", "龚䶮": "110105491231002"}
CITIZENS |= {" 𠮷野𬭼\u3000": f" {NUMBER}\n"}


@pytest.mark.parametrize(("name", "number"), CITIZENS.items())
def test_the_sandbox_gives_name_and_number(sandbox: Sandbox, name: str, number: str) -> None:
    data = ask(auth_token=sandbox.issue_auth_token(Citizen(name, number)))
    assert (data.real_name, data.credential_id) == (name.strip(), number.strip().upper())
    assert not [text for text in (data.real_name, data.credential_id) if text in f"{data!r} {data}"]


def test_each_of_many_citizens_gets_the_own_name(sandbox: Sandbox) -> None:
    numbers = [f"44052419800101{index:04}" for index in range(64)]
    tokens = [sandbox.issue_auth_token(Citizen(f"张{number[-4:]}", number)) for number in numbers]
    came = at_once(*[lambda token=token: ask(20, token) for token in tokens])
    assert [data.credential_id for data in came] == numbers
    assert [data.real_name for data in came] == [f"张{number[-4:]}" for number in numbers]


RIGHT = identity()
MATCH = {"verify_openid": "V_OP_NM_MA", "verify_real_name": "V_NM_ID_MA"}
ACCEPTED: dict[str, dict[str, Any]] = {
    "errcode 0": {"errcode": 0, "errmsg": "ok", **RIGHT},
    "no errcode": RIGHT,
    "errcode null": {"errcode": None, **RIGHT},
    "the right spelling": {name.replace("ryt", "rypt"): text for name, text in RIGHT.items()},
    "base64 in lines": {name: re.sub("(.{64})", "\\1\r\n", RIGHT[name]) for name in RIGHT},
    "FE 9F": identity(b"\xb9\xa8\xfe\x9f"),
    "A8 BC": identity(b"\xa8\xbc\xd5\xc5"),  # in private use by Python's codec
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_answer_is_understood_in_each_of_its_forms(wechat: StandIn, name: str) -> None:
    wechat.play(says(ACCEPTED[name]), path=REALNAME)
    data = ask()
    rare = {"FE 9F": "龚䶮", "A8 BC": "\u1e3f张"}
    assert (data.real_name, data.credential_id) == (rare.get(name, NAME), NUMBER)


UNREADABLE: dict[str, dict[str, Any]] = {
    "neither": {"errcode": 0, **dict.fromkeys(RIGHT)},
    "no errcode, no name": {"errcode": None, "encryted_real_name": None},
    "no number": {"encryted_credential_id": None},
    "a list": {"encryted_credential_id": [RIGHT["encryted_credential_id"]]},
    "not base64": {"encryted_real_name": "*" * 344},
    "short": {"encryted_real_name": "YWJj"},
    "swapped": dict(zip(RIGHT, reversed(RIGHT.values()), strict=True)),
    "half a character": identity(b"\xc5\xb7\xd1"),
    "a control character": identity("张\x00三"),
    "a long name": identity("a" * 201),
    "a letter": identity(NAME, "44052419800101001A"),
    "no such day": identity(NAME, "440524198002300013"),
    "the future": identity(NAME, "440524298001010013"),
    "full-width digits": identity(NAME, "44052419800101001\uff13"),
}


NO_ERRCODES: list[Any] = [False, True, "0", "94002", 0.0, 94002.0, 2**31, -(2**40), 10**400, [], {}]
SAYS_NOTHING: list[Any] = [{}, {"errmsg": "ok"}, {"errcode": None}, {"x": 1}]
SAYS_NOTHING += [{"errcode": errcode, **RIGHT} for errcode in NO_ERRCODES]
NO_DATA = {name: ("unreadable_answer", {**RIGHT, **UNREADABLE[name]}) for name in UNREADABLE}
NO_DATA |= {str(answer)[:20]: ("outcome_unknown", answer) for answer in SAYS_NOTHING}


@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_no_name_and_number_is_in_doubt_and_not_repeated(
    wechat: StandIn, name: str
) -> None:
    code, answer = NO_DATA[name]
    wechat.play(says(answer), path=REALNAME)
    assert end() == (code, True)
    assert len(posts(wechat)) == 1


@pytest.mark.parametrize("name", ["502, a page", "cut JSON", "too large", "reset"])
@pytest.mark.parametrize("path", [REALNAME, TOKEN])
def test_no_intelligible_answer_is_never_asked_for_again(
    wechat: StandIn, path: str, name: str
) -> None:
    """Of each fault the transport makes the same `NoAnswer`: tests/test_transport plays all."""
    wechat.play(stand_ins.faults(ECHO, MAX_ANSWER_BYTES)[name], path=path)
    assert end() == (("outcome_unknown", True) if path == REALNAME else UNREACHABLE)
    assert wechat.paths == ([TOKEN, REALNAME] if path == REALNAME else [TOKEN])


CALLS: dict[str, tuple[str, Call]] = {"api": (REALNAME, ask), "token": (TOKEN, ask)}
CALLS["check"] = (CHECK, check)
CALLS |= {"login": (LOGIN, login), "category": (CATEGORY, categories)}
FINAL = [(row.call, row.errcode, row.code) for row in ERRCODES if row.errcode != -1]
FINAL = [row for row in FINAL if row[0] != "api" or row[1] not in DEAD_ACCESS_TOKEN]
FINAL = [row for row in FINAL if row[0] in CALLS]  # a face's are in test_face


@pytest.mark.parametrize(("call", "errcode", "code"), [*FINAL, ("api", 12345, "wechat_error")])
def test_a_return_code_is_final(wechat: StandIn, call: str, errcode: int, code: str) -> None:
    path, function = CALLS[call]
    wechat.play(echoes(errcode), path=path)
    error = failure(function)
    assert (error.code, error.in_doubt) == (code, False)
    assert error.wechat is not None
    assert (error.wechat["errcode"], error.wechat["hint"]) == (errcode, "6a-1")
    assert len(posts(wechat, path)) == 1


@pytest.mark.parametrize(("path", "call"), CALLS.values())
def test_busy_is_asked_three_times_in_all(wechat: StandIn, path: str, call: Call) -> None:
    wechat.always(BUSY, path)
    assert end(call) == ("wechat_busy", path not in (TOKEN, LOGIN))
    assert len(posts(wechat, path)) == 3


DOUBTFUL: dict[str, Behaviour] = {"outcome_unknown": hangs, "misconfigured": echoes(94006)}
DOUBTFUL |= {"invalid_auth_token": echoes(94005), "unreadable_answer": says({"errcode": 0})}


@pytest.mark.parametrize("code", DOUBTFUL)
def test_after_busy_whatever_comes_is_in_doubt(wechat: StandIn, code: str) -> None:
    wechat.play(BUSY, DOUBTFUL[code], path=REALNAME)
    assert end(lambda: ask(0.5)) == (code, True)
    assert len(posts(wechat)) == 2


def give(wechat: StandIn, *tokens: str) -> None:
    wechat.play(
        *[says({"access_token": token, "expires_in": 7200}) for token in tokens], path=TOKEN
    )


@pytest.mark.parametrize("errcode", sorted(DEAD_ACCESS_TOKEN))
@pytest.mark.parametrize("name", ["api", "category", "check"])
def test_a_dead_access_token_is_replaced_and_the_call_repeated_once(
    wechat: StandIn, name: str, errcode: int
) -> None:
    path, call = CALLS[name]
    give(wechat, DEAD, FRESH)
    wechat.play(echoes(errcode), says({**RIGHT, **MATCH, "category_list": []}), path=path)
    call()
    assert [seen.query["access_token"] for seen in posts(wechat, path)] == [DEAD, FRESH]
    wechat.always(echoes(errcode), path)
    assert end(call) == ("misconfigured", False)
    assert len(posts(wechat, path)) == 2 + 1  # the same token again: no use to repeat
    give(wechat, DEAD)
    assert (end(call), len(posts(wechat, path))) == (("misconfigured", False), 3 + 2)


def test_the_access_token_is_replaced_once_a_call(wechat: StandIn) -> None:
    give(wechat, DEAD, FRESH)
    wechat.play(echoes(40001), BUSY, echoes(42001), path=REALNAME)
    assert end() == ("misconfigured", True)
    assert wechat.paths == [TOKEN, REALNAME, TOKEN, REALNAME, REALNAME]


@pytest.mark.parametrize("refused", [2, 9])
def test_a_connection_never_made_is_tried_three_times(
    wechat: StandIn, configure: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: int
) -> None:
    tls = prepare(tmp_path, "localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.ca_file))
    alerts = iter([None, *[ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE] * refused])
    tls.context.sni_callback = lambda *_: next(alerts, None)
    with StandIn(tls=tls.context) as server:
        token = {"access_token": FRESH, "expires_in": 7200}
        server.play(says(token, Connection="close"), says(RIGHT))
        configure(API_BASE_URL=server.url)
        assert ask().real_name == NAME if refused == 2 else end() == UNREACHABLE
        assert server.connections == 1 + 3
        assert server.paths == [TOKEN, REALNAME][: 2 if refused == 2 else 1]


@pytest.mark.parametrize(("path", "code"), [(TOKEN, "wechat_busy"), (REALNAME, "outcome_unknown")])
def test_all_is_under_one_deadline(wechat: StandIn, monkeypatch: Any, path: str, code: str) -> None:
    monkeypatch.setattr("wx_realname.wechat.client.BACK_OFF", 0.6)
    wechat.pause = 0.9
    wechat.always(BUSY, path)
    assert end(lambda: ask(3))[0] == code
    assert len(posts(wechat, path)) == 2, "the third would be after the deadline"


def test_categories_come_with_the_fields_that_the_document_names(wechat: StandIn) -> None:
    two = {"first_class": "工具", "second_class": "备忘录", "first_id": 1, "second_id": 2}
    three = {**two, "third_class": "高等", "third_id": 5}
    wechat.play(says({"errcode": 0, "category_list": [two, {**three, "x": 1}]}), path=CATEGORY)
    assert categories() == [two, three]
    assert posts(wechat, CATEGORY)[0].target == f"{CATEGORY}?access_token={FRESH}"


def test_a_login_code_gives_the_openid_alone(wechat: StandIn) -> None:
    wechat.play(says({"openid": "oABC-_1", "session_key": SESSION_KEY, "unionid": "u"}), path=LOGIN)
    assert login() == "oABC-_1"
    expected = {"appid": "wx0000000000000001", "secret": SECRET, "js_code": JS_CODE}
    expected["grant_type"] = "authorization_code"
    assert posts(wechat, LOGIN)[0].query == expected


@pytest.mark.parametrize("junk", [None, 7, "", "a b", "é", "x" * 129, ["o"], {"a": 1}, True, [[]]])
def test_junk_is_neither_categories_nor_an_openid(wechat: StandIn, junk: Any) -> None:
    wechat.always(says({"openid": junk, "category_list": junk, "session_key": SESSION_KEY}), LOGIN)
    wechat.always(says({"category_list": junk}), CATEGORY)
    assert end(login) == end(categories) == UNREACHABLE
    assert wechat.paths == [LOGIN, TOKEN, CATEGORY]


FIELDS = ["errcode", "errmsg", *RIGHT, *ACCEPTED["the right spelling"], "category_list", "openid"]
LIKELY = st.sampled_from([-1, 0, 40001, 94005, encrypted(b"\xc5\xb7"), encrypted(b"junk"), [], {}])
VALUES = LIKELY | st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.dictionaries(st.sampled_from(FIELDS), VALUES | st.lists(VALUES)) | VALUES)
def test_junk_is_never_personal_data_and_never_another_error(wechat: StandIn, answer: Any) -> None:
    for path, call in ((CATEGORY, categories), (LOGIN, login), (REALNAME, ask)):
        wechat.always(says(answer), path)
        with suppress(RealNameError):
            call()
            assert path != REALNAME
