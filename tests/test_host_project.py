"""Inside somebody else's project: ATOMIC_REQUESTS, TestCase, stateless users, signals, resolvers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import TestCase
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.test import APIClient
from rest_framework_simplejwt.models import TokenUser

from tests.conftest import AUTH_TOKEN, brought_to, code, events, heard, outcome
from tests.lying_wechat import LyingWeChat, doing, hangs_up, identity, refuses
from wx_realname import urls
from wx_realname.api import views
from wx_realname.exceptions import ConfigurationError, InvalidRequest, NotAuthenticated
from wx_realname.models import AuditEvent, Verification
from wx_realname.sandbox import Citizen, Sandbox
from wx_realname.services import exchange
from wx_realname.signals import verification_rejected, verification_succeeded

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
Configure = Callable[..., None]
LIST = "/api/realname/verifications/"
ONE = f"{LIST}01890000-0000-7000-8000-000000000000/"


def host_view(request: HttpRequest) -> HttpResponse:
    """A host's own view around the service."""
    user = get_user_model().objects.get(username="citizen")
    row = exchange(user=user, auth_token=request.headers["X-Token"], request=request)
    return JsonResponse({"status": row.status})


@transaction.non_atomic_requests
def free_view(request: HttpRequest) -> HttpResponse:
    return host_view(request)


urlpatterns = [
    path("atomic/", host_view),
    path("free/", free_view),
    path("api/realname/", include("wx_realname.urls")),
    path("second/", include("wx_realname.urls", namespace="second")),
    path("实名 1/", include("wx_realname.urls", namespace="third")),
    path("renamed/", include((urls.urlpatterns, "realname"))),
    path("own/", views.Verifications.as_view()),
    path("session/", views.Verifications.as_view(authentication_classes=[SessionAuthentication])),
]


# --- transactions -----------------------------------------------------------------------------


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_with_atomic_requests_the_api_records_every_end(
    api: Api, liar: LyingWeChat, atomic_requests: None
) -> None:
    liar.play(identity(), refuses(94005), hangs_up)
    answers = [api().post(LIST, {"auth_token": f"token-{number}"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 422, 504]
    assert events() == ["exchange verified", "exchange rejected", "exchange unknown"]
    assert api().delete(answers[0]["Location"]).status_code == 204
    assert Verification.objects.filter(status="erased").count() == 1


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_with_atomic_requests_a_hosts_view_needs_the_decorator(
    client: Any, user: Any, liar: LyingWeChat, atomic_requests: None
) -> None:
    headers, way_out = {"X-Token": AUTH_TOKEN}, r'non_atomic_requests\(using="default"\)'
    with pytest.raises(ConfigurationError, match=way_out):
        client.get("/atomic/", headers=headers)
    assert (Verification.objects.count(), events(), liar.calls) == (0, [], [])
    assert client.get("/free/", headers=headers).json() == {"status": "verified"}


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_wechat_is_asked(
    api: Api, user: Any, liar: LyingWeChat
) -> None:
    seen: list[Any] = []

    def look() -> None:
        seen.extend(Verification.objects.values_list("status", flat=True))
        with transaction.atomic():  # another connection's: a held lock would block it
            Verification.objects.update(hint="looked")

    liar.play(doing(look, identity()))
    assert api().post(LIST, {"auth_token": AUTH_TOKEN}).status_code == 201
    assert (seen, Verification.objects.get().status) == (["pending"], "verified")


class HostTestCase(TestCase):
    """A host's own tests, with Django's TestCase and the sandbox."""

    @pytest.fixture(autouse=True)
    def _wechat(self, sandbox: Sandbox, configure: Configure) -> None:
        self.sandbox = sandbox
        self.configure = configure
        self.client = APIClient(headers={"X-User": "citizen"})

    def test_a_citizen_posts_and_is_verified(self) -> None:
        token = self.sandbox.issue_auth_token(Citizen("张三", "440524198001010013"))
        with heard(verification_succeeded) as sent:
            answer = self.client.post(LIST, {"auth_token": token})
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(Verification.objects.get().status, "verified")
        self.assertEqual([each["user"].username for each in sent], ["citizen"])

    def test_the_transaction_is_usable_after_every_kind_of_error(self) -> None:
        made = Citizen("张三", "440524198001010013", wechat_pay=False)
        token = self.sandbox.issue_auth_token(made)
        posts = [(token, 422), ("unknown", 422), ("", 400), (token, 422)]
        for auth_token, status in posts:
            answer = self.client.post(LIST, {"auth_token": auth_token})
            self.assertEqual(answer.status_code, status)
            self.assertTrue(get_user_model().objects.exists())
        other = APIClient(headers={"X-User": "stranger"})
        self.assertEqual(other.post(LIST, {"auth_token": token}).status_code, 409)
        self.configure(API_BASE_URL="http://127.0.0.1:1")
        self.assertEqual(self.client.post(LIST, {"auth_token": "new"}).status_code, 503)
        self.assertEqual(self.client.get(f"{LIST}nothing/").status_code, 404)
        self.assertEqual(Verification.objects.count(), 3)
        self.assertEqual(AuditEvent.objects.count(), 4)


# --- users ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["simplejwt", "bare"])
def test_a_user_without_a_row_at_hand_is_known_by_its_pk(
    liar: LyingWeChat, user: Any, kind: str
) -> None:
    class Bare:
        is_authenticated, pk = True, user.pk

    client = APIClient()
    client.force_authenticate(TokenUser({"user_id": str(user.pk)}) if kind != "bare" else Bare())
    answer = client.post(LIST, {"auth_token": AUTH_TOKEN})
    assert (answer.status_code, Verification.objects.get().user) == (201, user)
    assert client.post(LIST, {"auth_token": AUTH_TOKEN}).status_code == 200
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(f"{LIST}current/").json()["id"] == answer.json()["id"]
    assert client.delete(answer["Location"]).status_code == 204
    assert AuditEvent.objects.get(event="erase").actor_id == str(user.pk)
    assert code(user) == "erased"


@pytest.mark.django_db(transaction=True)
def test_a_stateless_user_whose_row_is_gone_is_a_logged_500(liar: LyingWeChat, caplog: Any) -> None:
    client = APIClient()
    client.force_authenticate(TokenUser({"user_id": "424242"}))
    answer = client.post(LIST, {"auth_token": AUTH_TOKEN})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "424242" in caplog.text
    assert (Verification.objects.count(), liar.calls) == (0, [])


WRONG: dict[str, list[Any]] = {
    "auth_token": ["", " ", "x" * 513, "a\nb", "a\0", "\ud800", None, 7],
    "notice": ["x" * 65, "\0", "\udfff", "unknown", 7],
    "merchant": ["nobody", "", None, 3, ["default"]],
}


@pytest.mark.parametrize("nobody", [None, object()])
def test_nobody_gets_nothing(nobody: Any) -> None:
    with pytest.raises(NotAuthenticated):
        exchange(user=nobody, auth_token=AUTH_TOKEN)


@pytest.mark.parametrize(
    ("field", "wrong"), [(field, wrong) for field, wrongs in WRONG.items() for wrong in wrongs]
)
def test_a_wrong_argument_is_refused_before_anything_is_written(
    liar: LyingWeChat, user: Any, field: str, wrong: Any
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        exchange(**{"user": user, "auth_token": AUTH_TOKEN, field: wrong})
    assert refused.value.errors and list(refused.value.errors) == [field]
    assert not Verification.objects.exists() and not liar.calls


# --- signals ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["verified", "rejected", "failed", "unknown"])
def test_signals_are_sent_once_after_the_commit_and_a_failing_receiver_changes_nothing(
    liar: LyingWeChat, user: Any, status: str
) -> None:
    seen: list[Any] = []

    def look(**kwargs: Any) -> None:
        stored = Verification.objects.get(pk=kwargs["verification"].pk)
        seen.append((connection.in_atomic_block, stored.status, events()))

    signals = {"verified": verification_succeeded, "rejected": verification_rejected}
    with heard(verification_succeeded) as succeeded, heard(verification_rejected) as rejected:
        for signal in signals.values():
            signal.connect(look)  # by a weak reference: it ends with this test
        row = brought_to(status, liar, user)
        outcome(user) if status in signals else None
    for sent, meant in ((succeeded, "verified"), (rejected, "rejected")):
        assert [each["verification"].pk for each in sent] == [row.pk] * (status == meant)
        assert [each["user"] for each in sent] == [user] * (status == meant)
        assert all(each["sender"] is Verification for each in sent)
        assert all(each["verification"].status == meant for each in sent)
    assert seen == [(False, status, [f"exchange {status}"])] * (status in signals)


# --- what the host puts around ----------------------------------------------------------------


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("posted", "ours"),
    [
        ("/second/verifications/", "/second/verifications/"),
        ("/实名 1/verifications/", "/实名 1/verifications/"),
        ("/renamed/verifications/", "/renamed/verifications/"),
        ("/own/", LIST),  # a view of ours that the host has put elsewhere
    ],
)
def test_a_location_stays_under_the_hosts_prefix(
    api: Api, liar: LyingWeChat, posted: str, ours: str
) -> None:
    answer = api().post(posted, {"auth_token": AUTH_TOKEN}, secure=True)
    address = f"{ours}{Verification.objects.get().pk}/"
    assert answer["Location"] == f"https://testserver{quote(address)}"
    assert api().get(answer["Location"]).status_code == 200


@pytest.mark.urls(__name__)
def test_sessions_and_csrf_answer_in_our_shape(user: Any, liar: LyingWeChat) -> None:
    client = APIClient(enforce_csrf_checks=True)

    def refused(status: int, code: str, **headers: str) -> Any:
        answer = client.post("/session/", {"auth_token": AUTH_TOKEN}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (answer["Cache-Control"], liar.calls) == ("no-store", [])
        return answer

    def detail(language: str, **headers: str) -> str:
        headers |= {"Accept-Language": language}
        return str(refused(403, "permission_denied", **headers).json()["detail"])

    assert refused(401, "not_authenticated")["WWW-Authenticate"]
    client.force_login(user)
    assert detail("en").startswith("CSRF token missing")
    assert detail("zh-hans").startswith("缺少 CSRF 令牌")
    client.cookies["csrftoken"] = "c" * 32
    assert detail("en").startswith("CSRF token missing")
    assert detail("en", **{"X-CSRFToken": "d" * 32}).startswith("CSRF check failed")
    assert detail("en", Origin="https://elsewhere.example").startswith("CSRF check failed")
    client.post("/session/", {"auth_token": AUTH_TOKEN}, headers={"X-CSRFToken": "c" * 32})
    assert Verification.objects.get().status == "verified"


def reads_bodies(get_response: Any) -> Any:
    """A host's middleware that looks at every body."""
    return lambda request: get_response(request) if request.body is not None else None


def test_a_middleware_that_read_the_body_is_no_hindrance(
    api: Api, liar: LyingWeChat, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_bodies"]
    assert api().post(LIST, {"auth_token": AUTH_TOKEN}).status_code == 201
    assert api().post(LIST, b"x", content_type="application/json").status_code == 400


@contextmanager
def without_table(name: str) -> Iterator[None]:
    connection.cursor().execute(f"ALTER TABLE {name} RENAME TO out_of_the_way")
    try:
        yield
    finally:
        connection.cursor().execute(f"ALTER TABLE out_of_the_way RENAME TO {name}")


@pytest.mark.django_db(transaction=True)
def test_an_unexpected_error_is_500_in_shape_and_logged(
    api: Api, liar: LyingWeChat, caplog: Any
) -> None:
    get_user_model().objects.create(username="citizen")
    with without_table("wx_realname_verification"):
        answers = [api().get(path) for path in (LIST, f"{LIST}current/", ONE)]
        answers += [api().post(LIST, {"auth_token": AUTH_TOKEN}), api().delete(ONE)]
    for answer in answers:
        assert (answer.status_code, answer["Cache-Control"]) == (500, "no-store")
        body = answer.json()
        assert body.pop("detail")
        empty = {"verification": None, "wechat": None, "retry": "no"}
        assert body == {"code": "internal_error", **empty}
    assert caplog.text.count("unexpected") == 5
    assert liar.calls == []


def by_host(request: Any) -> str:
    """A MERCHANT_RESOLVER."""
    return str(request.headers.get("X-Merchant", "other"))


def test_the_merchant_is_the_resolvers(api: Api, liar: LyingWeChat, settings: Any) -> None:
    merchants = settings.WX_REALNAME["MERCHANTS"]
    other = merchants["default"] | {"MCH_ID": "1900000002"}
    settings.WX_REALNAME = settings.WX_REALNAME | {
        "MERCHANTS": merchants | {"other": other},
        "MERCHANT_RESOLVER": f"{__name__}.by_host",
    }
    assert api().post(LIST, {"auth_token": "1"}).json()["merchant"] == "other"
    assert api().post(LIST, {"auth_token": "2", "merchant": "other"}).status_code == 201
    assert {call.body["mch_id"] for call in liar.exchanges} == {"1900000002"}
    chosen = api().post(LIST, {"auth_token": "3", "merchant": "default"})
    assert (chosen.status_code, list(chosen.json()["errors"])) == (400, ["merchant"])
    wrong = api().post(LIST, {"auth_token": "4"}, headers={"X-Merchant": "typo"})
    assert (wrong.status_code, wrong.json()["code"]) == (503, "misconfigured")
