"""WeChat's side: which path is which call, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from . import check_call, mini_program_calls, realname_call, token_calls
from .errcodes import Refused, refusal
from .faults.fault import CHECK, REALNAME, Encounter, Fault
from .faults.latency import later
from .ledger import Note
from .reply import Reply
from .state import State
from .wire import Answer, Document, Request, json_object

Call = Callable[[State, Request, Note], Document]


@dataclass(frozen=True)
class Route:
    """One call: its HTTP method, and the function that answers it."""

    method: str
    call: Call


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "/cgi-bin/stable_token": Route("POST", token_calls.stable_token),
        "/cgi-bin/token": Route("GET", token_calls.token),
        "/cgi-bin/wxopen/getrealnameinfo": Route("POST", realname_call.getrealnameinfo),
        "/intp/realname/checkrealnameinfo": Route("POST", check_call.checkrealnameinfo),
        "/wxa/get_category": Route("GET", mini_program_calls.get_category),
        "/sns/jscode2session": Route("GET", mini_program_calls.jscode2session),
    }
)
UNKNOWN_CALL = "unknown"


def answer(state: State, request: Request) -> Reply:
    """Answer a call as WeChat would, or worse, and write it into the ledger."""
    note, name = Note(), _name(request)
    met = state.trouble.meet(name, _own_fault(state, request, name))
    encounter = Encounter(state, request, name, note, met.dice, _asked)
    reply = met.fault.play(encounter) if met.fault else encounter.answered()
    line = state.record(name, reply.errcode, note, reply.fault)
    return replace(later(reply, met.latency), tell=line.tell)


def _own_fault(state: State, request: Request, name: str) -> Fault | None:
    """The fault of the citizen whose auth_token or code this is."""
    if name not in (REALNAME, CHECK):
        return None
    try:
        asked = json_object(request.body)
    except Refused:
        return None
    if name == CHECK:
        return state.check_codes.own_faults.meet(asked.get("code"))
    return state.auth_tokens.own_faults.meet(asked.get("auth_token"))


def _asked(state: State, request: Request, note: Note) -> Answer:
    """What WeChat says, in truth."""
    try:
        return Answer(_call(state, request, note), errcode=0)
    except Refused as refused:
        document = refusal(refused.errcode, state.now())
        return Answer(document, 404 if refused.errcode == 40066 else 200, refused.errcode)


def _call(state: State, request: Request, note: Note) -> Document:
    route = ROUTES.get(request.path)
    if route is None:
        raise Refused(40066)
    if request.method != route.method:
        raise Refused(43002 if route.method == "POST" else 43001)
    return route.call(state, request, note)


def _name(request: Request) -> str:
    known = request.path in ROUTES
    return request.path.rpartition("/")[2] if known else UNKNOWN_CALL
