"""The page, what WeChat's app does on a real phone, and what the citizen reads off a card."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Collection
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from wx_realname import conf
from wx_realname.services import clients

from . import faults, ledger, texts, verdicts
from .citizens import CITIZENS, Citizen
from .control import Control, Refused, local
from .ways import AUTHORIZE, CHECK, FACE, WAYS, Way

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COUNT = re.compile(r"[0-9]{1,12}")
_OPENID = re.compile(r"[\w-]{1,128}", re.ASCII)
_CALLS = ("login-code", "authorise", "city-service", "camera", "id-card", "place", "wire")

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
        "verdicts": verdicts.on_the_page(),
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
    fault = _fault(asked.get("fault", ""), way, control)
    since = ledger.length(control)
    token = fault.token(way, citizen, control, **more)
    answer = {way.token: token, "digest": ledger.digest_of(token), "since": since}
    return JsonResponse(answer, status=201)


@beside_the_sandbox
@require_safe
def id_card(request: HttpRequest, control: Control) -> HttpResponse:
    """GET ?citizen=…&fault=…: name and number, for the form in the phone, and for nothing else.

    A fault of getverifyid comes to a number of its own.
    """
    card = _citizen(request.GET.get("citizen")).id_card()
    fault = faults.find(request.GET.get("fault", ""), control)
    if fault is not None and fault.number:
        card["credential_id"] = fault.number
    return JsonResponse(card)


@beside_the_sandbox
@require_POST
def camera(request: HttpRequest, control: Control) -> HttpResponse:
    """POST `{"verify_id", "verdict"?, "fault"?}`: before the camera, and what the phone receives."""
    asked = _object(request)
    verify_id, verdict = asked.get("verify_id"), asked.get("verdict", verdicts.PASSED)
    if not isinstance(verify_id, str) or not verdicts.is_known(verdict):
        raise BadRequest("verify_id: as getverifyid gave it; verdict: a verify_ret of the table")
    fault = _fault(asked.get("fault", ""), FACE, control)
    said = fault.face(verify_id, verdict, control)
    return JsonResponse({"verify_ret": said["verify_ret"], "phone": said["phone"]}, status=201)


@beside_the_sandbox
@require_safe
def place(request: HttpRequest, control: Control) -> HttpResponse:
    """GET: how long the ledger is, before our server asks WeChat for a face."""
    return JsonResponse({"since": ledger.length(control)})


@beside_the_sandbox
@require_safe
def wire(request: HttpRequest, control: Control) -> HttpResponse:
    """GET ?digest=…&since=…, or ?face=…&since=…: what our server asked WeChat since then, in whose name.

    `face` is the record's id.
    """
    since = request.GET.get("since", "")
    if not _COUNT.fullmatch(since):
        raise BadRequest("since: a whole number")
    calls = ledger.calls(control, _digests(request), int(since))
    return JsonResponse({**_merchant(), "calls": calls})


def _digests(request: HttpRequest) -> Collection[str]:
    """By which names the ledger knows what is asked about."""
    digest, face = request.GET.get("digest", ""), request.GET.get("face", "")
    if _DIGEST.fullmatch(digest):
        return [digest]
    try:
        return ledger.digests_of_face(UUID(face))
    except ValueError:
        raise BadRequest("digest: 64 hex digits; or face: a record's id") from None


def _merchant() -> dict[str, str | None]:
    """What the button signs with; a site that verifies faces alone has none of it."""
    merchant = conf.current().merchants["default"]
    if not merchant.has_button:
        return {"mch_id": None, "cert_serialno": None}
    serialno = clients.client_for(merchant).keys.now().serialno
    return {"mch_id": merchant.mch_id, "cert_serialno": serialno}


def _fault(name: object, way: Way, control: Control) -> faults.Fault:
    fault = faults.find(name, control)
    if fault is None or way not in fault.ways:
        raise BadRequest("there is no such fault")
    return fault


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
