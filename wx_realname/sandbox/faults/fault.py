"""The type of a fault: a row of the table, and its effect on the answer to a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType
from typing import Any

from ..errcodes import Refused
from ..ledger import Note
from ..reply import Ending, Pieces, Reply, as_json
from ..state import State
from ..wire import Answer, Document, Request, json_object

REALNAME = "getrealnameinfo"
TOKEN_CALLS = ("stable_token", "token")
CHECK = "checkrealnameinfo"
GETVERIFYID, QUERY = "getverifyid", "queryverifyinfo"
FACE_CALLS = (GETVERIFYID, QUERY)
CALLS = (REALNAME, *TOKEN_CALLS, "get_category", "jscode2session", CHECK, *FACE_CALLS)

# The calls about a citizen, and the field of each that identifies the attempt.
ATTEMPT: Mapping[str, str] = MappingProxyType(
    {REALNAME: "auth_token", CHECK: "code", **dict.fromkeys(FACE_CALLS, "out_seq_no")}
)

# The essential fields of each call's answer, which must be there and be text (or a list).
FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        REALNAME: ("encryted_real_name", "encryted_credential_id"),
        "stable_token": ("access_token",),
        "token": ("access_token",),
        "get_category": ("category_list",),
        "jscode2session": ("openid", "session_key"),
        CHECK: ("verify_openid", "verify_real_name"),
        GETVERIFYID: ("verify_id",),
        QUERY: ("verify_ret",),
    }
)


@dataclass(frozen=True)
class Encounter:
    """A request that meets a fault. It has `dice` (random numbers) of its own, made from the seed."""

    state: State
    request: Request
    call: str
    note: Note
    dice: Random
    ask: Callable[[State, Request, Note], Answer] = field(repr=False)

    def answered(self, *, skew: float = 0.0) -> Reply:
        """WeChat's true answer, with the token redeemed; its clock may be off by `skew` s."""
        state = self.state.with_clock_off_by(skew) if skew else self.state
        return replace(Reply.of(self.ask(state, self.request, self.note)), skew=skew)

    def unasked(self) -> Reply:
        """A blank reply to a call that isn't processed. The ledger notes the caller, if that is known."""
        with suppress(Refused):
            asked = json_object(self.request.body)
            self.note.token(asked.get(ATTEMPT.get(self.call, "")))
        with suppress(Refused):
            self.note.app_id = self.state.access_tokens.app_id_of(self.access_token)
        return Reply()

    @property
    def access_token(self) -> str:
        return self.request.query.get("access_token", "")


Act = Callable[[Encounter, Reply], Reply]
Changed = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One way to misbehave.

    `consumes`: the call is processed, and the auth_token redeemed, before the fault; `act` changes that
    answer. Otherwise `act` gets a blank reply. `calls` can meet the fault. The table adds the group, and
    the ID numbers of the citizens who always meet it: in queryverifyinfo, and in the other calls.
    """

    name: str
    description: str
    act: Act = field(repr=False)
    consumes: bool = True
    calls: tuple[str, ...] = CALLS
    group: str = ""
    credential_id: str | None = None
    query_credential_id: str | None = None

    def play(self, encounter: Encounter) -> Reply:
        """The reply to a request that meets this fault."""
        reply = encounter.answered() if self.consumes else encounter.unasked()
        return replace(self.act(encounter, reply), fault=self.name)

    def as_json(self) -> Document:
        """The row as `GET /sandbox/faults` shows it."""
        return {
            "name": self.name,
            "group": self.group,
            "consumes": self.consumes,
            "description": self.description,
            "calls": self.calls,
            "credential_id": self.credential_id,
            "query_credential_id": self.query_credential_id,
        }


def before_and_after(name: str, description: str, act: Act) -> tuple[Fault, Fault]:
    """The same fault twice: before anything is consumed, and after, when only the answer is lost."""
    return (
        Fault(f"{name}_before_consumption", f"{description}; nothing is consumed", act, False),
        Fault(f"{name}_after_consumption", f"{description}; yet all was done and consumed", act),
    )


def reply_with(**changes: Any) -> Act:
    """The answer, with these fields of `Reply` changed."""
    return lambda encounter, reply: replace(reply, **changes)


def sends(
    pieces: Pieces, *, whole: bool = False, ends: Ending = "keep", **headers: str | None
) -> Act:
    """The answer in these pieces, with these headers; `Content_Type` for Content-Type."""
    return reply_with(pieces=pieces, whole=whole, ends=ends, headers=_named(headers))


def says(body: bytes, status: int = 200, **headers: str) -> Act:
    """This body instead; `Content_Type` for Content-Type."""
    return reply_with(body=body, status=status, headers=_named(headers))


def _named(headers: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def respelt(change: Callable[[bytes], bytes]) -> Act:
    """Other bytes instead of the answer's, of a refusal too."""

    def act(encounter: Encounter, reply: Reply) -> Reply:
        return replace(reply, body=change(reply.body))

    return act


def changed(change: Callable[[Encounter, Changed], Changed]) -> Act:
    """Other JSON instead of a success; a refusal stays as it is."""

    def act(encounter: Encounter, reply: Reply) -> Reply:
        if reply.errcode:
            return reply
        return replace(reply, body=as_json(change(encounter, json.loads(reply.body))))

    return act


def with_fields(value: Callable[[Any], object]) -> Act:
    """The essential fields, changed by `value`."""

    def change(encounter: Encounter, document: Changed) -> Changed:
        return document | {name: value(document[name]) for name in FIELDS[encounter.call]}

    return changed(change)
