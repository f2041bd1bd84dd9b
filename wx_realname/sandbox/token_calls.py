"""The two calls that hand out access tokens."""

from __future__ import annotations

from .access_tokens import IssuedToken
from .errcodes import Refused
from .ledger import Note
from .state import State
from .wire import Document, Request, json_object


def stable_token(state: State, request: Request, note: Note) -> Document:
    """POST /cgi-bin/stable_token: the same token with its remaining lifetime, unless forced."""
    asked = json_object(request.body)
    force = asked.get("force_refresh", False)
    if not isinstance(force, bool):
        raise Refused(47001)
    _check_grant_type(asked.get("grant_type"))
    note.app_id = state.registry.authenticate(asked.get("appid"), asked.get("secret"))
    return _answer(state.access_tokens.stable(note.app_id, force=force))


def token(state: State, request: Request, note: Note) -> Document:
    """GET /cgi-bin/token: a new token with every call, which makes the one before expire."""
    asked = request.query
    _check_grant_type(asked.get("grant_type"))
    note.app_id = state.registry.authenticate(asked.get("appid"), asked.get("secret"))
    return _answer(state.access_tokens.latest(note.app_id))


def _check_grant_type(grant_type: object) -> None:
    if grant_type != "client_credential":
        raise Refused(40002)


def _answer(issued: IssuedToken) -> Document:
    return {"access_token": issued.value, "expires_in": issued.expires_in}
