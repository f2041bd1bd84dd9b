"""RealNameVerified and MinimumAge in a host's views, under DRF's own error handler and under ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import APIException, NotAcceptable
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from tests.cases import each
from tests.conftest import AUTH_TOKEN, brought_to
from tests.lying_wechat import LyingWeChat, identity
from wx_realname import resident_id
from wx_realname.api import errors
from wx_realname.api.permissions import MinimumAge, RealNameVerified
from wx_realname.exceptions import InternalError
from wx_realname.models import Verification
from wx_realname.sandbox.id_numbers import credential_id
from wx_realname.services import exchange

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
Adult = MinimumAge(18)


class Service(APIView):
    """A host's own view."""

    permission_classes: Any = ()
    handler: Any = None

    def get_exception_handler(self) -> Any:
        return type(self).handler or super().get_exception_handler()

    def get(self, request: Request) -> Response:
        return Response({"served": True})


class OurService(Service):
    handler = staticmethod(errors.exception_handler)


def ask(user: Any, *permissions: Any, service: type[Service] = Service) -> Response:
    request = APIRequestFactory().get("/")
    if user is not None:
        force_authenticate(request, user)
    answer: Response = service.as_view(permission_classes=permissions)(request)
    return answer


def born(years_ago: int, days: int = 0) -> str:
    """The ID number of somebody with this birthday, in China; 29 February counts as 1 March."""
    day = resident_id.today() + timedelta(days=days)
    try:
        birthday = day.replace(year=day.year - years_ago)
    except ValueError:
        birthday = date(day.year - years_ago, 3, 1)
    return credential_id(f"{birthday:%Y%m%d}", 1)


def verified(liar: LyingWeChat, user: Any, number: str) -> None:
    liar.play(identity(number=number))
    exchange(user=user, auth_token=number)


# --- RealNameVerified -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, "pending", "rejected", "failed", "unknown", "erased"])
def test_who_is_not_verified_is_refused_with_a_code(
    liar: LyingWeChat, user: Any, status: str | None
) -> None:
    if status:
        brought_to(status, liar, user)
    for service in (Service, OurService):
        answer = ask(user, IsAuthenticated, RealNameVerified, service=service)
        assert (answer.status_code, answer.data["code"]) == (403, "real_name_required")
        assert (answer.data["retry"], bool(answer.data["detail"])) == ("no", True)


def test_who_is_verified_is_served(liar: LyingWeChat, user: Any, stranger: Any) -> None:
    brought_to("verified", liar, user)
    assert ask(user, RealNameVerified).data == {"served": True}
    assert ask(stranger, RealNameVerified).status_code == 403


@each("permission", [RealNameVerified, Adult])
def test_who_is_not_logged_in_is_asked_to(permission: type[BasePermission]) -> None:
    assert ask(None, permission).status_code == 401
    answer = ask(None, permission, service=OurService)
    assert (answer.status_code, answer.data["code"]) == (401, "not_authenticated")


class Mondays(BasePermission):
    message = "Only on Mondays."

    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class Weekdays(Mondays):
    code = "weekday"


@each(("permission", "code"), [(Mondays, "permission_denied"), (Weekdays, "weekday")])
def test_our_error_handler_keeps_the_words_of_a_hosts_permission(
    user: Any, permission: type[BasePermission], code: str
) -> None:
    answer = ask(user, permission, service=OurService)
    rest = {"verification": None, "wechat": None, "retry": "no"}
    assert (answer.status_code, answer.headers["Cache-Control"]) == (403, "no-store")
    assert answer.data == {"code": code, "detail": "Only on Mondays.", **rest}


class SoldOut(APIException):
    status_code, default_code, default_detail = 410, "sold_out", "Nothing is left."


@each(
    ("exception", "status", "code", "detail"),
    [
        (SoldOut(), 410, "sold_out", "Nothing is left."),
        (SoldOut("Come tomorrow.", "later"), 410, "later", "Come tomorrow."),
        (SoldOut({"beds": ["none"]}), 410, "sold_out", "Nothing is left."),
        (NotAcceptable(), 406, "not_acceptable", str(NotAcceptable.default_detail)),
        (APIException("the database's password"), 500, "internal_error", None),
    ],
)
def test_what_the_host_refuses_keeps_its_status_and_words(
    exception: APIException, status: int, code: str, detail: str | None
) -> None:
    answer = errors.exception_handler(exception, {})
    assert (answer.status_code, answer.data["code"]) == (status, code)
    assert answer.data["detail"] == (detail or InternalError.words)
    assert set(answer.data) == {"code", "detail", "verification", "wechat", "retry"}


def test_a_stateless_user_is_known_by_its_pk(liar: LyingWeChat, user: Any) -> None:
    class TokenUser:
        pk, is_authenticated = str(user.pk), True

    assert ask(TokenUser(), RealNameVerified).status_code == 403
    exchange(user=TokenUser(), auth_token=AUTH_TOKEN)
    assert ask(TokenUser(), RealNameVerified, Adult).status_code == 200
    assert ask(user, RealNameVerified, Adult).status_code == 200


def test_one_request_is_decided_anew_each_time(liar: LyingWeChat, user: Any) -> None:
    view, request = Service(), RequestFactory().get("/")
    request.user = user
    permission = Adult()
    assert permission.has_permission(request, view) is False
    brought_to("verified", liar, user)
    assert permission.has_permission(request, view) is True
    assert MinimumAge(149)().has_permission(request, view) is False


# --- MinimumAge -------------------------------------------------------------------------------


@each(
    ("years", "days", "status"),
    [(18, 0, 200), (18, 1, 403), (18, -1, 200), (17, 0, 403), (0, 0, 403), (100, 0, 200)],
)
def test_the_birthday_in_china_decides(
    liar: LyingWeChat, user: Any, years: int, days: int, status: int
) -> None:
    """The newest record's: each case leaves one."""
    verified(liar, user, born(years, days))
    for service in (Service, OurService):
        answer = ask(user, IsAuthenticated, Adult, service=service)
        assert answer.status_code == status
        assert answer.data.get("code") == (None if status == 200 else "too_young")


def test_an_old_number_of_15_digits_tells_an_age(liar: LyingWeChat, user: Any) -> None:
    verified(liar, user, "110105491231002")
    assert ask(user, MinimumAge(76)).status_code == 200
    assert ask(user, MinimumAge(149)).status_code == 403


def test_without_a_record_a_real_name_is_asked_for_and_not_an_age(user: Any) -> None:
    assert ask(user, Adult).data["code"] == "real_name_required"


def test_storage_masked_refuses(liar: LyingWeChat, user: Any, configure: Configure) -> None:
    configure(STORAGE="masked")
    verified(liar, user, born(40))
    assert ask(user, RealNameVerified).status_code == 200
    assert ask(user, Adult).data["code"] == "too_young"


@pytest.mark.parametrize("fault", ["another key", "altered", "of another row"])
def test_what_contradicts_its_outcome_counts_as_no_record_and_is_logged(
    liar: LyingWeChat, user: Any, stranger: Any, configure: Configure, caplog: Any, fault: str
) -> None:
    verified(liar, user, born(40))
    verified(liar, stranger, born(50))
    row = Verification.objects.get(user=user)
    sealed = Verification.objects.get(user=stranger).credential_id_encrypted
    if fault == "another key":
        configure(ENCRYPTION_KEYS=["e1:AES-256-GCM:" + "B" * 43 + "="])
    else:
        sealed.envelope = sealed.envelope[:-1] if fault == "altered" else sealed.envelope
        Verification.objects.filter(pk=row.pk).update(credential_id_encrypted=sealed)
    for permission in (RealNameVerified, Adult):
        assert ask(user, permission).data["code"] == "real_name_required"
    assert str(row.pk) in caplog.text and born(40)[:14] not in caplog.text


@each("years", [0, -1, 150, 18.0, "18", True, None])
def test_a_senseless_age_is_refused_when_the_view_is_written(years: Any) -> None:
    with pytest.raises(ValueError, match="MinimumAge"):
        MinimumAge(years)


# --- composition ------------------------------------------------------------------------------


@pytest.fixture
def people(liar: LyingWeChat, django_user_model: Any) -> list[Any]:
    """Nobody who is known, a child and an adult."""
    people = [django_user_model.objects.create(username=f"born {years}") for years in (0, 15, 40)]
    for person, years in zip(people[1:], (15, 40), strict=True):
        verified(liar, person, born(years))
    return people


@each("service", [Service, OurService])
@each(
    ("permission", "nobody", "child", "adult"),
    [
        (RealNameVerified & Adult, False, False, True),
        (IsAuthenticated & Adult, False, False, True),
        (Adult & IsAuthenticated & RealNameVerified, False, False, True),
        (RealNameVerified | Adult, False, True, True),
        (Adult | RealNameVerified, False, True, True),
        (IsAdminUser | RealNameVerified, False, True, True),
        (Adult | AllowAny, True, True, True),
        (~RealNameVerified, True, False, False),
        (RealNameVerified & ~Adult, False, True, False),
        (MinimumAge(12) & (IsAdminUser | Adult), False, False, True),
    ],
)
def test_permissions_compose(
    people: list[Any],
    service: type[Service],
    permission: Any,
    nobody: bool,
    child: bool,
    adult: bool,
) -> None:
    answers = [ask(person, permission, service=service).status_code for person in people]
    assert answers == [200 if served else 403 for served in (nobody, child, adult)]
