"""WeChat's side: the calls by path, and the form of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from . import check_call, face_calls, mini_program_calls, realname_call, token_calls
from .errcodes import Refused, refusal
from .faults.fault import ATTEMPT, GETVERIFYID, QUERY, Encounter, Fault
from .faults.latency import later
from .faults.table import selected
from .ledger import Note
from .reply import Reply
from .stand_in import StandIn
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
        "/cityservice/face/identify/getverifyid": Route("POST", face_calls.getverifyid),
        "/cityservice/face/identify/queryverifyinfo": Route("POST", face_calls.queryverifyinfo),
        "/wxa/get_category": Route("GET", mini_program_calls.get_category),
        "/sns/jscode2session": Route("GET", mini_program_calls.jscode2session),
    }
)
UNKNOWN_CALL = "unknown"


def answer(stand_in: StandIn, request: Request) -> Reply:
    """Answer a call as WeChat would, or with a fault, and write it into the ledger."""
    note, name, state = Note(), _name(request), stand_in.state
    met = stand_in.trouble.meet(name, _own_fault(stand_in, request, name))
    encounter = Encounter(state, request, name, note, met.dice, _asked)
    reply = met.fault.play(encounter) if met.fault else encounter.answered()
    line = state.record(name, reply.errcode, note, reply.fault)
    return replace(later(reply, met.latency), tell=line.tell)


def _own_fault(stand_in: StandIn, request: Request, name: str) -> Fault | None:
    """The fault of the citizen whose auth_token, code, ID number or verify_id this is."""
    if name not in ATTEMPT:
        return None
    try:
        asked = json_object(request.body)
    except Refused:
        return None
    if name == GETVERIFYID:
        cert_info = asked.get("cert_info")
        number = cert_info.get("cert_no") if isinstance(cert_info, dict) else None
        return selected(str(number), name)
    if name == QUERY:
        verify_id = asked.get("verify_id")
        number = stand_in.state.faces.credential_id_of(verify_id)
        return stand_in.own_faults.meet(verify_id) or selected(str(number), name)
    return stand_in.own_faults.meet(asked.get(ATTEMPT[name]))


def _asked(state: State, request: Request, note: Note) -> Answer:
    """WeChat's true answer."""
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
