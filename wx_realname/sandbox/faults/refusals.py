"""Refusals: every return code, and unexpected texts in errmsg."""

from __future__ import annotations

from collections.abc import Callable

from ..errcodes import TEXTS, reference, refusal
from ..reply import Reply
from ..wire import Answer
from .fault import Act, Encounter, Fault

BUSY = -1
QUOTA = 45009  # documented for every call: used with strange texts
UNKNOWN = 99999
HUGE_ERRMSG = 20_000  # characters, 47 kB: clients should still read that much


def _refuses(errcode: int) -> Act:
    def act(encounter: Encounter, reply: Reply) -> Reply:
        return Reply.of(Answer(refusal(errcode, encounter.state.now()), errcode=errcode))

    return act


def _says_in_errmsg(errmsg: Callable[[Encounter], object], errcode: int = QUOTA) -> Act:
    def act(encounter: Encounter, reply: Reply) -> Reply:
        document = {"errcode": errcode, "errmsg": errmsg(encounter)}
        return Reply.of(Answer(document, errcode=errcode))

    return act


def _echo(encounter: Encounter) -> str:
    """Everything in the request: access_token, auth_token, secret."""
    request = encounter.request
    said = " ".join(request.query.values()) + request.body.decode("utf-8", "replace")
    return f"rejected: {said} {reference(QUOTA, encounter.state.now())}"


def _huge(encounter: Encounter) -> str:
    return f"{'很长 ' * (HUGE_ERRMSG // 3)}{reference(QUOTA, encounter.state.now())}"


def _errcode_fault(errcode: int) -> Fault:
    says = f"refuses: {TEXTS[errcode]}"
    return Fault(f"errcode_{errcode}", says, _refuses(errcode), consumes=False)


FAULTS: tuple[Fault, ...] = (
    Fault("busy", "says -1, system busy; `times` makes it a storm", _refuses(BUSY), consumes=False),
    *(_errcode_fault(errcode) for errcode in TEXTS if errcode != BUSY),
)

STRANGE: tuple[Fault, ...] = (
    Fault("busy_after_consumption", "says -1, yet all was done and consumed", _refuses(BUSY)),
    Fault(
        "unknown_errcode",
        f"refuses with {UNKNOWN}, which nobody has documented",
        _says_in_errmsg(lambda _: "invalid argument", UNKNOWN),
        consumes=False,
    ),
    Fault(
        "huge_errmsg",
        f"refuses with {QUOTA} and an errmsg of {HUGE_ERRMSG} characters",
        _says_in_errmsg(_huge),
        consumes=False,
    ),
    Fault(
        "errmsg_with_control_characters",
        f"refuses with {QUOTA}; the errmsg holds NUL, line ends and a terminal's colours",
        _says_in_errmsg(lambda _: "quota\0\r\nINFO all is well\x1b[31m\u2028\u202e\x9b1m end"),
        consumes=False,
    ),
    Fault(
        "errmsg_with_secrets",
        f"refuses with {QUOTA} and repeats the whole request in errmsg, tokens and all",
        _says_in_errmsg(_echo),
        consumes=False,
    ),
    Fault(
        "errmsg_not_text",
        f"refuses with {QUOTA}; the errmsg is an object",
        _says_in_errmsg(lambda _: {"zh": ["配额"]}),
        consumes=False,
    ),
    Fault(
        "errmsg_missing",
        f"refuses with {QUOTA} and no errmsg",
        lambda encounter, reply: Reply.of(Answer({"errcode": QUOTA}, errcode=QUOTA)),
        consumes=False,
    ),
)
