"""The page, what WeChat's app does on a real phone, and what the citizen reads off a card."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from wx_realname import conf
from wx_realname.services import clients

from . import faults, ledger, texts
from .citizens import CITIZENS, Citizen
from .control import Control, Refused, local
from .ways import AUTHORIZE, CHECK, WAYS, Way

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COUNT = re.compile(r"[0-9]{1,12}")
_OPENID = re.compile(r"[\w-]{1,128}", re.ASCII)
_CALLS = ("login-code", "authorise", "city-service", "id-card", "wire")

View = Callable[[HttpRequest, Control], HttpResponse]


class BadRequest(Exception):
    """What the page sent makes no sense."""


def beside_the_sandbox(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """The view, handed the sandbox's control side; 404 where API_BASE_URL isn't the sandbox."""

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        control = local()
        if control is None:
            raise Http404
        try:
            response = view(request, control)
        except BadRequest as error:
            response = JsonResponse({"error": str(error)}, status=400)
        except Refused as error:
            response = JsonResponse({"error": str(error)}, status=502)
        response["Cache-Control"] = "no-store"
        return response

    return guarded


@beside_the_sandbox
@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest, control: Control) -> HttpResponse:
    """GET: the simulator."""
    handed_over = {
        "language": get_language(),
        "urls": {name: reverse(f"simulator-{name}") for name in _CALLS},
        "ways": {way.name: way.on_the_page() for way in WAYS.values()},
        "citizens": [citizen.on_the_page() for citizen in CITIZENS.values()],
        "faults": [fault.on_the_page() for fault in faults.offered(control).values()],
        "texts": dict(texts.TEXTS),
        "outcomes": dict(texts.OUTCOMES),
    }
    response = render(request, "simulator/page.html", {"handed_over": handed_over})
    response["Content-Security-Policy"] = POLICY
    response["Referrer-Policy"] = "same-origin"
    return response


@beside_the_sandbox
@require_POST
def login_code(request: HttpRequest, control: Control) -> HttpResponse:
    """POST: a code as wx.login gives it, of a WeChat user who was never here before.

    With it the user's openid, which WeChat's app knows and no mini-program is told.
    """
    login = control.post("login_codes", {})
    return JsonResponse({"code": login["code"], "openid": login["openid"]}, status=201)


@beside_the_sandbox
@require_POST
def authorise(request: HttpRequest, control: Control) -> HttpResponse:
    """POST `{"citizen", "fault"?}`: the auth_token that the button's event carries."""
    return _given(AUTHORIZE, _object(request), control)


@beside_the_sandbox
@require_POST
def city_service(request: HttpRequest, control: Control) -> HttpResponse:
    """POST `{"citizen", "openid", "fault"?}`: the code that WeChat's city service hands back."""
    asked = _object(request)
    openid = asked.get("openid")
    if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
        raise BadRequest("openid: as the login code came with it")
    return _given(CHECK, asked, control, openid=openid)


def _given(way: Way, asked: dict[str, object], control: Control, **more: str) -> HttpResponse:
    """The token or code, the name that the ledger gives it, and how long the ledger was before."""
    citizen = _citizen(asked.get("citizen"))
    fault = faults.find(asked.get("fault", ""), control)
    if fault is None or way not in fault.ways:
        raise BadRequest("there is no such fault")
    since = ledger.length(control)
    token = fault.token(way, citizen, control, **more)
    answer = {way.token: token, "digest": ledger.digest_of(token), "since": since}
    return JsonResponse(answer, status=201)


@beside_the_sandbox
@require_safe
def id_card(request: HttpRequest, control: Control) -> HttpResponse:
    """GET ?citizen=…: name and number, for the form in the phone, and for nothing else."""
    return JsonResponse(_citizen(request.GET.get("citizen")).id_card())


@beside_the_sandbox
@require_safe
def wire(request: HttpRequest, control: Control) -> HttpResponse:
    """GET ?digest=…&since=…: what our server asked WeChat since then, and in whose name."""
    digest, since = request.GET.get("digest", ""), request.GET.get("since", "")
    if not _DIGEST.fullmatch(digest) or not _COUNT.fullmatch(since):
        raise BadRequest("digest: 64 hex digits; since: a whole number")
    merchant = conf.current().merchants["default"]
    return JsonResponse(
        {
            "mch_id": merchant.mch_id,
            "cert_serialno": clients.client_for(merchant).keys.now().serialno,
            "calls": ledger.calls(control, digest, int(since)),
        }
    )


def _citizen(key: object) -> Citizen:
    try:
        return CITIZENS[str(key)]
    except KeyError:
        raise BadRequest("there is no such citizen") from None


def _object(request: HttpRequest) -> dict[str, object]:
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    return document
