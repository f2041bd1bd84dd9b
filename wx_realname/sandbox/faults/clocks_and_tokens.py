"""WeChat's clock is wrong, or its access tokens are dead."""

from __future__ import annotations

import json

from ..reply import Reply
from .fault import FACE_CALLS, REALNAME, TOKEN_CALLS, Act, Encounter, Fault

OFF = 3600.0  # seconds
EARLY = 1.0  # seconds
WITH_ACCESS_TOKEN = (REALNAME, "get_category", *FACE_CALLS)


def _clock_off_by(seconds: float) -> Act:
    return lambda encounter, reply: encounter.answered(skew=seconds)


def _dies(*, keep_repeating: bool) -> Act:
    def act(encounter: Encounter, reply: Reply) -> Reply:
        token = encounter.access_token
        encounter.state.access_tokens.kill(token, keep_repeating=keep_repeating)
        return encounter.answered()

    return act


def _lives(seconds: float) -> Act:
    def act(encounter: Encounter, reply: Reply) -> Reply:
        reply = encounter.answered()
        token = str(json.loads(reply.body).get("access_token"))
        encounter.state.access_tokens.kill(token, after=seconds)
        return reply

    return act


CLOCKS: tuple[Fault, ...] = (
    Fault("clock_ahead", "WeChat's clock is an hour ahead", _clock_off_by(OFF), consumes=False),
    Fault("clock_behind", "WeChat's clock is an hour behind", _clock_off_by(-OFF), consumes=False),
)
TOKENS: tuple[Fault, ...] = (
    Fault(
        "access_token_dies",
        "the access_token is dead: 40001 until another is fetched",
        _dies(keep_repeating=False),
        consumes=False,
        calls=WITH_ACCESS_TOKEN,
    ),
    Fault(
        "dead_token_repeated",
        "as before, and stable_token repeats the dead one until it is forced",
        _dies(keep_repeating=True),
        consumes=False,
        calls=WITH_ACCESS_TOKEN,
    ),
    Fault(
        "access_token_born_dead",
        "the access_token that is handed out is dead",
        _lives(0.0),
        consumes=False,
        calls=TOKEN_CALLS,
    ),
    Fault(
        "access_token_dies_early",
        f"the access_token that is handed out dies after {EARLY:.0f} s, whatever expires_in says",
        _lives(EARLY),
        consumes=False,
        calls=TOKEN_CALLS,
    ),
)
