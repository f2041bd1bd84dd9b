"""The REST interface: every answer and every error in its shape, every body read strictly."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import polib
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.test import APIClient

from tests.cases import each
from tests.conftest import AUTH_TOKEN, brought_to
from tests.lying_wechat import NAME, NUMBER, ONE_OF_EACH, Fault, LyingWeChat, identity, says
from wx_realname.exceptions import NotFound
from wx_realname.models import AuditEvent, Notice, Verification
from wx_realname.sandbox import Citizen, Sandbox

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
Configure = Callable[..., None]

ROOT = "/api/realname"
LIST, CURRENT, CATEGORIES = (
    f"{ROOT}/{name}/" for name in ("verifications", "verifications/current", "categories")
)
ONE = f"{LIST}{UUID(int=1)}/"
UTC = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def error(response: Any, status: int, code: str, retry: str = "no") -> dict[str, Any]:
    """The body of an error that has the shape of the interface."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    keys = {"code", "detail", "verification", "wechat", "retry"}
    assert set(body) == (keys | {"errors"} if code == "invalid" else keys)
    assert (body["code"], body["retry"]) == (code, retry)
    assert isinstance(body["detail"], str) and body["detail"]
    assert body["wechat"] is None or set(body["wechat"]) == {"errcode", "errmsg", "hint"}
    assert ("Retry-After" in response) == (retry == "later")
    assert retry != "later" or int(response["Retry-After"]) >= 1
    return body


# --- answers ----------------------------------------------------------------------------------


def test_a_new_verification_is_201_with_its_address(
    api: Api, auth_token: str, notice: Notice
) -> None:
    answer = api().post(LIST, {"auth_token": auth_token, "notice": str(notice.pk)})
    row = Verification.objects.get()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert answer["Location"] == f"http://testserver{LIST}{row.pk}/"
    record = answer.json()
    assert record == {
        "id": str(row.pk),
        "method": "authorize",
        "status": "verified",
        "consent": str(row.consent_id),
        "merchant": "default",
        "real_name": "**娜",
        "credential_id": "4****************3",
        "verified_at": record["verified_at"],
        "created_at": record["created_at"],
    }
    assert UTC.fullmatch(record["verified_at"]) and UTC.fullmatch(record["created_at"])
    assert row.consent and row.consent.notice == notice
    for address in (answer["Location"], CURRENT):
        assert api().get(address).json() == record
    again = api().post(LIST, {"auth_token": auth_token})
    assert (again.status_code, again.json(), "Location" in again) == (200, record, False)


@pytest.mark.parametrize(
    "around", [" {}", "{} ", "{}\u00a0", "{}\t", "{}\u3000", "\u200b{}", "{}\x7f", "{} {}"]
)
def test_a_token_with_a_blank_is_never_sent(api: Api, auth_token: str, around: str) -> None:
    """Where WeChat trims, the holder of another spelling would see the name of the token's citizen."""
    answer = api().post(LIST, {"auth_token": around.replace("{}", auth_token)})
    assert [*error(answer, 400, "invalid")["errors"]] == ["auth_token"]
    assert not Verification.objects.exists()


@pytest.mark.parametrize("response", ["masked", "plain"])
def test_erasing_is_204_however_often_and_leaves_nulls(
    api: Api, auth_token: str, configure: Configure, response: str
) -> None:
    configure(RESPONSE=response)
    made = api().post(LIST, {"auth_token": auth_token})
    shown = {"masked": ("**娜", "4****************3"), "plain": (NAME, NUMBER)}[response]
    assert (made.json()["real_name"], made.json()["credential_id"]) == shown
    for _ in range(2):
        answer = api().delete(made["Location"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Cache-Control"] == "no-store"
    for record in (api().get(made["Location"]), api().post(LIST, {"auth_token": auth_token})):
        assert (record.status_code, record.json()["status"]) == (200, "erased")
        assert record.json()["real_name"] is record.json()["credential_id"] is None
    error(api().get(CURRENT), 404, "not_found")


def test_what_has_no_key_any_more_is_nothing_known_and_no_fault_of_the_rest(
    api: Api, sandbox: Sandbox, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(RESPONSE="plain")
    for key in ("e1:AES-256-GCM:" + "B" * 43 + "=", "e2:SM4-GCM:" + "B" * 22 + "=="):
        configure(ENCRYPTION_KEYS=[key])
        token = sandbox.issue_auth_token(Citizen(NAME, NUMBER))
        assert api().post(LIST, {"auth_token": token}).status_code == 201
    one, _ = Verification.objects.order_by("created_at")
    records = api().get(LIST).json()["results"]
    assert [record["real_name"] for record in records] == [NAME, None]
    assert [record["credential_id"] for record in records] == [NUMBER, None]
    assert str(one.pk) in caplog.text


def test_a_record_that_contradicts_its_outcome_is_not_shown(
    api: Api, sandbox: Sandbox, auth_token: str, caplog: pytest.LogCaptureFixture
) -> None:
    api().post(LIST, {"auth_token": auth_token})
    row = Verification.objects.get()
    Verification.objects.update(credential_id_masked="4****************4")
    for address in (LIST, f"{LIST}{row.pk}/", f"{LIST}current/"):
        error(api().get(address), 500, "internal_error")
    assert f"{row.pk} contradicts its last outcome" in caplog.text
    contradictions = AuditEvent.objects.filter(event="contradiction")
    assert set(contradictions.values_list("verification_id", "outcome_hmac")) == {(row.pk, "")}


def test_a_wrong_host_is_refused_before_anything_is_asked(
    api: Api, auth_token: str, settings: Any, sandbox: Sandbox
) -> None:
    settings.MIDDLEWARE, settings.ALLOWED_HOSTS = [], ["good.example"]
    answer = api().post(LIST, {"auth_token": auth_token}, headers={"Host": "evil.example"})
    said = "The Host header names no host of this site."
    assert error(answer, 400, "invalid")["errors"] == {"non_field_errors": [said]}
    assert not Verification.objects.exists()


def rows_of(username: str, count: int) -> list[str]:
    """Bare records, two for each second, newest first."""
    user = get_user_model().objects.get_or_create(username=username)[0]
    now = timezone.now()
    for number in range(count):
        at = now - timedelta(seconds=number // 2)
        moments = {"created_at": at, "started_at": at}
        Verification.objects.create(
            user=user, status="pending", merchant="default", token_digest=uuid4(), **moments
        )
    rows = Verification.objects.filter(user=user).order_by("-created_at", "-id")
    return [str(row.pk) for row in rows]


def test_the_list_is_the_callers_own_newest_first_in_pages(api: Api, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    mine, theirs = rows_of("citizen", 45), rows_of("stranger", 3)
    seen, pages, address = [], 0, LIST
    while address:
        answer = api().get(address)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        seen += [record["id"] for record in answer.json()["results"]]
        pages, address = pages + 1, answer.json()["next"]
    assert (seen, pages) == (mine, 3)
    assert [record["id"] for record in api("stranger").get(LIST).json()["results"]] == theirs
    error(api().get(f"{LIST}?cursor=nonsense"), 404, "not_found")


FORGED = ["p=abc", "p=2026-13-45", "r=1&p=abc", "p=%00", "p=2026-01-01T00:00:00"]
FORGED += ["p=9999-12-31T23:59:59-23:59", "p=0001-01-01 00:00:00%2B23:00", "p=" + "9" * 3000]


@each("position", FORGED)
def test_a_forged_place_in_the_list_is_404(api: Api, position: str) -> None:
    cursor = base64.b64encode(position.encode()).decode()
    error(api().get(LIST, {"cursor": cursor}), 404, "not_found")


def test_the_current_one_is_the_newest_verified(api: Api, liar: LyingWeChat) -> None:
    error(api().get(CURRENT), 404, "not_found")
    for number, name in enumerate(("张三", "李四")):
        liar.play(identity(name=name))
        api().post(LIST, {"auth_token": f"token-{number}"})
    liar.play(says({}))
    api().post(LIST, {"auth_token": "lost"})
    assert api().get(CURRENT).json()["real_name"] == "*四"


def test_categories_are_wechats_and_cached(api: Api, sandbox: Sandbox) -> None:
    for _ in range(2):
        answer = api().get(CATEGORIES)
        assert (answer.status_code, answer.json()["category_id"]) == (200, [99, 904])
        assert answer.json()["categories"][0]["second_class"] == "社会保障"
    assert sandbox.totals["get_category"] == 1


def test_categories_without_wechat_are_unreachable(api: Api, liar: LyingWeChat) -> None:
    """An answer that is lost leaves no doubt: nothing of the citizen's was sent."""
    error(api().get(CATEGORIES), 503, "wechat_unreachable", "later")


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ONE_OF_EACH, ids=lambda fault: fault.name)
def test_every_row_of_the_error_table(
    api: Api, liar: LyingWeChat, configure: Configure, fault: Fault
) -> None:
    configure(**fault.timeouts)
    liar.play(*fault.scripts, path=fault.path)
    http, retry, _ = fault.promise
    body = error(api().post(LIST, {"auth_token": AUTH_TOKEN}), http, fault.code, retry)
    assert body["verification"] == str(Verification.objects.get().pk)
    assert (body["wechat"] and body["wechat"]["errcode"]) == fault.errcode


@each("method", ["get", "post", "put", "patch", "delete", "options", "head"])
@each("path", [LIST, CURRENT, ONE, CATEGORIES, f"{LIST}elsewhere"])
def test_not_logged_in_is_401(api: Api, path: str, method: str) -> None:
    response = getattr(api(""), method)(path)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "X-User")
    if method != "head":
        error(response, 401, "not_authenticated")


NOT_THERE = [f"{ROOT}/", f"{ROOT}/nothing/", ONE, ONE[:-1], LIST[:-1]]
NOT_THERE += [f"{LIST}{tail}" for tail in ("7/", "a/b", "%0A/")]


@each("path", NOT_THERE)
@each("method", ["get", "post", "delete"])
def test_what_is_not_there_is_404(api: Api, path: str, method: str) -> None:
    if (path, method) != (ONE, "post"):
        error(getattr(api(), method)(path), 404, "not_found")


@pytest.mark.parametrize("method", ["get", "delete"])
def test_anyone_elses_is_404(api: Api, auth_token: str, method: str) -> None:
    address = api().post(LIST, {"auth_token": auth_token})["Location"]
    error(getattr(api("stranger"), method)(address), 404, "not_found")
    assert Verification.objects.get().status == "verified"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (LIST, ("put", "patch", "delete", "options")),
        (ONE, ("post", "put", "patch", "options")),
        *((path, ("post", "put", "patch", "delete", "options")) for path in (CURRENT, CATEGORIES)),
    ],
)
def test_another_method_is_405(api: Api, path: str, methods: tuple[str, ...]) -> None:
    for method in methods:
        answer = getattr(api(), method)(path)
        error(answer, 405, "method_not_allowed")
        assert method.upper() not in answer["Allow"].split(", ")
    for method in answer["Allow"].split(", "):
        assert getattr(api(), method.lower())(path).status_code != 405, method


@pytest.mark.parametrize("kind", ["x-www-form-urlencoded", "xml", "json2", "multipart", ""])
def test_another_media_type_is_415(api: Api, kind: str) -> None:
    kinds = {"": "", "multipart": "multipart/form-data; boundary=x"}
    kind = kinds.get(kind, f"application/{kind}")
    answer = api().generic("POST", LIST, b"auth_token=x", content_type=kind)
    error(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("status", ["pending", "verified", "rejected"])
def test_same_token_by_another_user_is_409(
    api: Api, liar: LyingWeChat, user: Any, status: str
) -> None:
    brought_to(status, liar, user)
    answer = api("stranger").post(LIST, {"auth_token": AUTH_TOKEN})
    body = error(answer, 409, "auth_token_in_use", "reauthorize")
    assert (body["verification"], body["wechat"]) == (None, None)


def test_what_is_pending_is_409_for_post_and_delete(api: Api, liar: LyingWeChat, user: Any) -> None:
    row = brought_to("pending", liar, user)
    post, delete = api().post(LIST, {"auth_token": AUTH_TOKEN}), api().delete(f"{LIST}{row.pk}/")
    for answer in (post, delete):
        body = error(answer, 409, "exchange_in_progress", "later")
        assert body["verification"] == str(row.pk)


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml;q=1", "nonsense"])
@pytest.mark.parametrize("path", [LIST, CURRENT, f"{LIST}?format=api"])
def test_answers_are_json_whatever_is_accepted(api: Api, path: str, accept: str) -> None:
    answer = api().get(path, HTTP_ACCEPT=accept)
    assert (answer.status_code in (200, 404), answer["Content-Type"]) == (True, "application/json")


@pytest.mark.parametrize("middleware", [True, False], ids=["LocaleMiddleware", "without"])
def test_detail_is_in_the_language_of_the_request(
    api: Api, settings: Any, tmp_path: Path, middleware: bool
) -> None:
    (folder := tmp_path / "zh_Hans" / "LC_MESSAGES").mkdir(parents=True)
    catalog, zh = polib.POFile(), {str(NotFound.words): "没有", "This must be a string.": "要文本"}
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalog.extend(polib.POEntry(msgid=en, msgstr=text) for en, text in zh.items())
    catalog.save_as_mofile(str(folder / "django.mo"))
    settings.LOCALE_PATHS = [tmp_path]
    if not middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Locale" not in name]
    for language in ("zh-CN,zh;q=0.9", "zh-Hans", "en", "xx"):
        detail, fault = zh.values() if "zh" in language else zh
        headers = {"Accept-Language": language}
        assert api().get(ONE, headers=headers).json()["detail"] == detail
        invalid = api().post(LIST, {"auth_token": 7}, headers=headers).json()
        assert invalid["errors"] == {"auth_token": [fault]}


# --- bodies -----------------------------------------------------------------------------------

WRONG_TEXTS = [
    *rb"""7 -1e400 1.5 true null ["a"] {"a":"b"} "" "\u0000" "a\nb" "\u0085" "\ud800" "\udfff"
    """.split(),
    *(b'" \xc2\xa0 "', b'"a\x7f"', b"1" * 400),
    *(b'"%s"' % (text.encode() * 513) for text in "x龘"),
]
NOT_OBJECTS = [
    *rb"""[1] "auth_token" 7 null NaN {"auth_token":"x","more":NaN} {"auth_token":"x","a":[-Infinity]}
    {"auth_token":"x" {"auth_token":"x"}{} auth_token=x {'auth_token':'x'} {"auth_token":"x",}
    """.split(),
    b"  ",
    b'\xef\xbb\xbf{"auth_token": "x"}',
    b'{"auth_token": "\xff"}',
    b'{"auth_token": "a\nb"}',
    '{"auth_token": "x"}'.encode("utf-16"),
    *(b"[" * depth + b"]" * depth for depth in (10_000, 100_000)),
    *(b'{"auth_token":' * depth for depth in (10_000, 100_000)),
    b'{"auth_token": "x", "more": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"auth_token": ' + b"1" * 10_000 + b"}",
    b'{"auth_token": "' + b"x" * 10_000_000 + b'"}',
]
OTHERS_WRONG = {
    "notice": [*rb'7 null "\u0000" []'.split(), b'"%s"' % (b"x" * 65), b'"unknown"'],
    "merchant": rb'"nobody" "" null [] "default\u0000"'.split(),
}
WRONG_BODIES = [
    *((b'{"auth_token": %s}' % text, "auth_token") for text in WRONG_TEXTS),
    *((body, "auth_token") for body in (b"", b"{}", b'{"AUTH_TOKEN": "x"}')),
    *((body, "non_field_errors") for body in NOT_OBJECTS),
    *(
        (b'{"auth_token": "x", "%s": %s}' % (field.encode(), text), field)
        for field, texts in OTHERS_WRONG.items()
        for text in texts
    ),
]


@each(("body", "field"), WRONG_BODIES)
def test_a_wrong_body_is_400_and_nothing_happens(
    api: Api, liar: LyingWeChat, body: bytes, field: str
) -> None:
    answer = api().generic("POST", LIST, body, content_type="application/json")
    errors = error(answer, 400, "invalid")["errors"]
    assert list(errors) == [field]
    assert all(isinstance(text, str) and text for text in errors[field])
    assert not Verification.objects.exists() and not liar.calls


@pytest.mark.parametrize("kind", ["application/json; charset=utf-16", "Application/JSON"])
@pytest.mark.parametrize(
    "body",
    [
        {"auth_token": "x" * 512, "merchant": "default"},
        {"auth_token": "~!$%", "unknown": ["龘𠮷", None]},
    ],
)
def test_json_is_utf_8_whatever_the_charset_says(
    api: Api, liar: LyingWeChat, body: dict[str, Any], kind: str
) -> None:
    data = json.dumps(body, ensure_ascii=False).encode()
    assert api().generic("POST", LIST, data, content_type=kind).status_code == 201
    assert liar.exchanges[0].body["auth_token"] == body["auth_token"]


def test_of_a_repeated_key_the_last_counts(api: Api, liar: LyingWeChat) -> None:
    body = b'{"auth_token": "first", "auth_token": "last"}'
    api().generic("POST", LIST, body, content_type="application/json")
    assert [call.body["auth_token"] for call in liar.exchanges] == ["last"]
