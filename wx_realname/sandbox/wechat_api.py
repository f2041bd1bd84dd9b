"""WeChat's side: which path is which call, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import mini_program_calls, realname_call, token_calls
from .errcodes import Refused, refusal
from .ledger import Note
from .state import State
from .wire import Answer, Document, Request

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
        "/wxa/get_category": Route("GET", mini_program_calls.get_category),
        "/sns/jscode2session": Route("GET", mini_program_calls.jscode2session),
    }
)
UNKNOWN_CALL = "unknown"


def answer(state: State, request: Request) -> Answer:
    """Answer a call as WeChat would, and write it into the ledger."""
    note = Note()
    errcode = 0
    try:
        document = _call(state, request, note)
    except Refused as refused:
        errcode = refused.errcode
        document = refusal(errcode, state.now())
    state.record(_name(request), errcode, note)
    return Answer(document, 404 if errcode == 40066 else 200, errcode)


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
