"""OpenAPI: every call, every error as the API answers it, in both languages, without a warning."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from tests.conftest import AUTH_TOKEN, brought_to
from tests.e2e.site import environment
from tests.lying_wechat import (
    CHECK,
    NAME,
    NUMBER,
    REALNAME,
    TOKEN,
    LyingWeChat,
    Script,
    hangs_up,
    identity,
    refuses,
    says,
)
from tests.processes import run
from tests.test_check import verdict
from wx_realname import exceptions
from wx_realname.api import errors, views
from wx_realname.api.permissions import MinimumAge
from wx_realname.api.schema import calls, fields
from wx_realname.api.schema import described as described_as
from wx_realname.api.schema.bodies import RECORD, RealNameRecordSerializer
from wx_realname.api.serializers import (
    CheckSerializer,
    ExchangeSerializer,
    FaceSerializer,
    represent,
)
from wx_realname.exceptions import BY_CODE
from wx_realname.models import Verification
from wx_realname.personal_data import Secret
from wx_realname.sandbox import Merchant, make_merchant_key
from wx_realname.text import clean_text

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
Configure = Callable[..., None]
Schema = dict[str, Any]

LIST = "/api/realname/verifications/"
CURRENT, ONE = f"{LIST}current/", f"{LIST}{{id}}/"
CATEGORIES, CHECKS = "/api/realname/categories/", "/api/realname/checks/"
FACES, RESULT = "/api/realname/faces/", "/api/realname/faces/{id}/result/"
SERVICE = "/api/social-security/"  # the example's, which asks for a real name
CONSENTS, NOTICES = "/api/realname/consents/", "/api/realname/notices/{purpose}/"
CALLS = {
    *((path, "get") for path in (NOTICES, CONSENTS, LIST, CURRENT, ONE, CATEGORIES)),
    *((f"{ONE}{path}/", "get") for path in ("accesses", "copy")),
    *((path, "post") for path in (CONSENTS, f"{CONSENTS}{{id}}/withdraw/")),
    *((path, "post") for path in (LIST, CHECKS, FACES, RESULT)),
    (ONE, "delete"),
}
#: Those are for the host's own views, and ask for our permissions.
OF_PERMISSIONS = {"real_name_required", "too_young"}


def described(language: str = "en") -> Schema:
    with translation.override(language):
        return dict(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture(scope="module")
def schema() -> Schema:
    return described()


def answers(schema: Schema) -> Iterator[tuple[str, str, int, Schema]]:
    for address, methods in schema["paths"].items():
        for method, call in methods.items():
            for status, answer in call["responses"].items():
                yield address, method, int(status), answer


def examples(answer: Schema) -> list[Schema]:
    content = answer.get("content", {}).get("application/json", {})
    return [example["value"] for example in content.get("examples", {}).values()]


def example(schema: Schema, address: str, method: str, code: str) -> Schema:
    """What the call's example says of the code."""
    status = str(BY_CODE[code].status_code)
    found = examples(schema["paths"][address][method]["responses"][status])
    (one,) = (each for each in found if each["code"] == code)
    return one


def test_every_call_is_described(schema: Schema) -> None:
    assert {(address, method) for address, method, *_ in answers(schema)} == CALLS
    for address, method in CALLS:
        call = schema["paths"][address][method]
        assert call["summary"]
        assert {"401", "403", "405", "500"} <= set(call["responses"])
        bodies = [*call["responses"].values()]
        contents = [content for body in bodies for content in body.get("content", {}).values()]
        assert all("examples" in content for content in contents), (address, method)


def test_every_code_has_its_status_and_an_example(schema: Schema) -> None:
    told = set()
    for address, method, status, answer in answers(schema):
        for body in examples(answer) if status >= 400 else ():
            assert BY_CODE[body["code"]].status_code == status, (address, method)
            assert f"`{body['code']}`" in answer["description"]
            told.add(body["code"])
    assert told == set(BY_CODE) - {"too_young"}


def test_each_language_has_its_words_and_no_docstring_of_ours_is_a_description() -> None:
    english, chinese = described("en"), described("zh-hans")
    for address, method in CALLS:
        call = chinese["paths"][address][method]
        assert english["paths"][address][method]["summary"].isascii()
        assert not call["summary"].isascii()
        assert re.search("[一-鿿]", call.get("description", "没有"))


class OfAHost(views.CurrentVerification):
    """A host's own, with more than ours."""


def test_a_hosts_subclass_is_described_as_ours_is() -> None:
    generator = SchemaGenerator(patterns=[path("mine/", OfAHost.as_view())])
    call = generator.get_schema(request=None, public=True)["paths"]["/mine/"]["get"]
    assert "current" not in call["operationId"]
    assert {"200", "401", "404"} <= set(call["responses"])


def test_headers(schema: Schema) -> None:
    for address, method, status, answer in answers(schema):
        headers = answer["headers"]
        assert headers["Cache-Control"]["schema"]["enum"] == ["no-store"]
        assert ("WWW-Authenticate" in headers) == (status == 401)
        makes_a_record = status == 201 and not address.endswith("/consents/")
        assert ("Location" in headers) == makes_a_record, (address, method)
        retries = {body.get("retry") for body in examples(answer)}
        assert ("Retry-After" in headers) == ("later" in retries), (address, method)
        required = headers.get("Retry-After", {}).get("required", False)
        assert required == (retries == {"later"})


def test_bodies_are_strings_of_the_length_that_is_taken(schema: Schema) -> None:
    bodies = schema["components"]["schemas"]
    token = bodies["RealNameExchange"]["properties"]["auth_token"]
    assert (token["type"], token["minLength"], token["maxLength"]) == ("string", 1, 512)
    assert bodies["RealNameExchange"]["required"] == ["auth_token"]
    assert bodies["RealNameCheck"]["properties"]["notice"]["maxLength"] == 64


def test_the_list_comes_in_pages(schema: Schema) -> None:
    call = schema["paths"][LIST]["get"]
    assert [parameter["name"] for parameter in call["parameters"]] == ["cursor", "status"]
    page = schema["components"]["schemas"]["PaginatedRealNameRecordList"]["properties"]
    assert set(page) == {"next", "previous", "results"}
    assert page["results"]["items"] == {"$ref": "#/components/schemas/RealNameRecord"}


@pytest.mark.parametrize(("pattern", "blank"), [(fields.WORDS, False), (fields.TEXT, True)])
def test_the_pattern_says_what_the_field_takes(pattern: str, blank: bool) -> None:
    for number in range(0x3100):
        text = chr(number)
        if text == "\ufeff":  # a blank for JSON Schema alone
            continue
        taken = clean_text(Secret(text), 9, blank=blank) is None
        # in JSON Schema `$` is the very end
        assert bool(re.search(pattern.replace("$", r"\Z"), text)) == taken, ascii(text)


@pytest.mark.parametrize("address", [LIST, CHECKS, FACES])
def test_a_body_has_an_example_that_is_taken(schema: Schema, address: str) -> None:
    content = schema["paths"][address]["post"]["requestBody"]["content"]["application/json"]
    (told,) = content["examples"].values()
    serializer = {LIST: ExchangeSerializer, CHECKS: CheckSerializer, FACES: FaceSerializer}[address]
    body = {name: Secret(value) for name, value in told["value"].items()}
    assert serializer().run_validation(body).keys() == body.keys()


def test_code_is_one_of_those_of_the_error_table(schema: Schema) -> None:
    """A generated client has a type for it."""
    code = schema["components"]["schemas"]["RealNameError"]["properties"]["code"]
    name = code["$ref"].rpartition("/")[2] if "$ref" in code else ""
    found = schema["components"]["schemas"][name] if name else code
    assert set(found["enum"]) == set(BY_CODE)


def test_the_record_is_described_as_it_is(api: Api, liar: LyingWeChat, schema: Schema) -> None:
    liar.play(identity(NAME, NUMBER))
    record = api().post(LIST, {"auth_token": AUTH_TOKEN}).json()
    assert list(record) == list(RealNameRecordSerializer().fields)
    assert record == represent(Verification.objects.get())
    (told,) = examples(schema["paths"][LIST]["post"]["responses"]["201"])
    moments = {name: record[name] for name in ("id", "verified_at", "created_at")}
    assert record == told | moments


# --- the examples are what the API answers ------------------------------------------------------


def same(response: Any, told: Schema) -> bool:
    """The body is the example's, but for the record's own id."""
    body = json.loads(response.content)
    if told["verification"] == str(RECORD):
        body["verification"] = body["verification"] and str(RECORD)
    assert body == told
    return bool(response.status_code == BY_CODE[told["code"]].status_code)


CITIZEN = "oCitizen-of-these_tests-00001"
PERSON = {"real_name": NAME, "credential_id": NUMBER}
OF_WECHAT = [cls.code for cls in calls.OF_AN_EXCHANGE if cls.code != "minor"]
ASKED = {  # the call, its body, and what it asks WeChat
    "exchange": (LIST, "post", {"auth_token": AUTH_TOKEN}, REALNAME),
    "check": (CHECKS, "post", PERSON | {"code": AUTH_TOKEN}, CHECK),
    "categories": (CATEGORIES, "get", None, TOKEN),
}
WITHOUT_ERRCODE: dict[str, Script] = {
    "mismatch": verdict("V_OP_NM_UM"),
    "outcome_unknown": hangs_up,
    "unreadable_answer": says({"errcode": 0}),
}


@pytest.mark.parametrize(
    ("asks", "code"),
    [
        *(("exchange", code) for code in sorted(OF_WECHAT)),
        *(("check", code) for code in sorted([*OF_WECHAT, "mismatch", "invalid_code"])),
        *(("categories", cls.code) for cls in calls.OF_A_QUESTION),
    ],
)
def test_each_call_that_asks_wechat_answers_as_its_example_says(
    api: Api, liar: LyingWeChat, configure: Configure, schema: Schema, asks: str, code: str
) -> None:
    address, method, body, path_ = ASKED[asks]
    told = example(schema, address, method, code)
    if code == "wechat_unreachable":
        configure(API_BASE_URL="http://127.0.0.1:1")
    script = WITHOUT_ERRCODE.get(code, hangs_up)
    if told["wechat"]:  # WeChat says what the example has it say
        script = refuses(told["wechat"]["errcode"], told["wechat"]["errmsg"])
    liar.play(script, path=path_)
    assert same(getattr(api(CITIZEN), method)(address, body), told)


def test_a_minor_is_refused_as_the_examples_say(
    api: Api, liar: LyingWeChat, configure: Configure, schema: Schema
) -> None:
    configure(MINORS="refuse")
    body = {"real_name": NAME, "credential_id": "110101202001011232"}
    for address, of_a_check in ((FACES, {}), (CHECKS, {"code": AUTH_TOKEN})):
        refused = api(CITIZEN).post(address, body | of_a_check)
        assert same(refused, example(schema, address, "post", "minor"))
    assert liar.calls == []


def test_the_other_errors_are_as_their_examples_say(
    api: Api, liar: LyingWeChat, user: Any, schema: Schema, configure: Configure
) -> None:
    one = brought_to("pending", liar, user)
    token, address, own = {"auth_token": AUTH_TOKEN}, f"{LIST}{one.pk}/", api()
    for answer, path_, method, code in (
        (own.post(LIST, token), LIST, "post", "exchange_in_progress"),
        (own.delete(address), ONE, "delete", "exchange_in_progress"),
        (api("stranger").post(LIST, token), LIST, "post", "auth_token_in_use"),
        (api("stranger").get(address), ONE, "get", "not_found"),
        (own.get(CURRENT), CURRENT, "get", "not_found"),
        (api("").get(LIST), LIST, "get", "not_authenticated"),
        (own.put(LIST), LIST, "get", "method_not_allowed"),
        (own.post(LIST, {}), LIST, "post", "invalid"),
        (own.post(CHECKS, {}), CHECKS, "post", "invalid"),
        (own.get(CATEGORIES, {"merchant": "nobody"}), CATEGORIES, "get", "invalid"),
        (own.post(LIST, b"x", content_type="text/plain"), LIST, "post", "unsupported_media_type"),
    ):
        assert same(answer, example(schema, path_, method, code)), code
    configure(THROTTLE_RATE="1/min")
    late = [api().post(LIST, {}) for _ in range(2)][1]
    assert same(late, example(schema, LIST, "post", "throttled"))


# --- languages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_error_is_told_in_the_language_of_the_schema(language: str) -> None:
    schema = described(language)
    with translation.override(language):
        details = {code: str(cls().words) for code, cls in BY_CODE.items()}
    for detail in details.values():
        assert bool(re.search("[一-鿿]", detail)) == (language == "zh-hans")
    for *_, status, answer in answers(schema):
        for body in examples(answer) if status >= 400 else ():
            assert body["detail"] == details[body["code"]]
            assert f"- `{body['code']}`: {body['detail']}" in answer["description"].splitlines()


# --- a host's own call, which asks for our permissions -----------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_refusal_by_our_permissions_is_as_its_example_says(
    api: Api, liar: LyingWeChat, user: Any, language: str
) -> None:
    with translation.override(language):

        class Pension(APIView):
            permission_classes = (MinimumAge(149),)

            def get_exception_handler(self) -> Any:
                return errors.exception_handler

            @described_as({200: None}, exceptions.RealNameRequired, exceptions.TooYoung)
            def get(self, request: Any) -> None: ...

        view, request = Pension.as_view(), APIRequestFactory().get("/")
        force_authenticate(request, user)
        schema = SchemaGenerator(patterns=[path("pension/", view)]).get_schema(None, public=True)
        unknown, young = (
            example(schema, "/pension/", "get", code) for code in sorted(OF_PERMISSIONS)
        )
        assert same(view(request).render(), unknown)
        brought_to("verified", liar, user)
        assert same(view(request).render(), young)


# --- with the example site, and without the extra -----------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Log in with the code of wx.login"), ("zh-hans", "使用 wx.login 的 code 登录")],
)
def test_the_examples_schema_is_valid_and_without_a_warning(
    tmp_path: Path, language: str, words: str
) -> None:
    key = make_merchant_key(serial="0000ABCDEF0123456789")
    merchant = Merchant("wx0000000000000001", "secret", "1900000001", (key.certificate_pem,))
    env = environment(tmp_path, merchant, key, "http://127.0.0.1:1")
    env["DJANGO_SETTINGS_MODULE"] = "example_project.settings"
    command = [sys.executable, "manage.py", "spectacular", "--format=openapi-json"]
    command += ["--validate", "--fail-on-warn"]
    schema = json.loads(run(*command, "--lang", language, env=os.environ | env))
    assert {"/api/login/", SERVICE, "/healthz", LIST} <= set(schema["paths"])
    assert schema["paths"]["/api/login/"]["post"]["summary"] == words
    introduction = schema["info"]["description"]
    assert bool(re.search("[一-鿿]", introduction)) == (language == "zh-hans")
    paths, words_ = ("/faces/", "/verifications/", "/checks/"), ("`retry`", "`Retry-After`")
    assert all(said in introduction for said in (*paths, *words_, "2019-11-10"))
    with translation.override(language):
        refusal = exceptions.RealNameRequired().detail
    assert example(schema, SERVICE, "get", "real_name_required") == refusal


WITHOUT = """
import sys
sys.modules["drf_spectacular"] = None  # as if it weren't installed
from tests import settings
settings.INSTALLED_APPS.remove("drf_spectacular")
del settings.REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"]
import django; django.setup()
from django.urls import reverse
print(reverse("wx_realname:verifications"))
assert not [name for name in sys.modules if name.startswith("wx_realname.api.schema")]
"""


@pytest.mark.once
def test_without_the_extra_nothing_of_it_is_imported() -> None:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    assert run(sys.executable, "-c", WITHOUT, env=env).strip() == LIST
