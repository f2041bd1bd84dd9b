"""The control side's calls about faults: what there is, what is queued, and the profile."""

from __future__ import annotations

from dataclasses import asdict

from .control_fields import Fields
from .faults.fault import REALNAME
from .faults.table import FAULTS
from .faults.trouble import LARGEST_SEED, MOST_TIMES
from .state import State
from .wire import Answer, Request


def list_faults(state: State, request: Request) -> Answer:
    """GET: the table, the profile, and what is queued."""
    return Answer({"faults": [f.as_json() for f in FAULTS.values()], **state.trouble.as_json()})


def queue_fault(state: State, request: Request) -> Answer:
    """POST: the next requests of a call meet a fault."""
    fields = Fields(request.body, "fault", "call", "times")
    fault, call = fields.text("fault"), fields.optional_text("call") or REALNAME
    times = fields.number("times", 1, MOST_TIMES) or 1
    state.trouble.queue(fault, call, times)
    return Answer({"fault": fault, "call": call, "times": times}, 201)


def clear_faults(state: State, request: Request) -> Answer:
    """DELETE: nothing is queued any more."""
    return Answer({"removed": state.trouble.clear()})


def choose_profile(state: State, request: Request) -> Answer:
    """POST: another profile from now on."""
    fields = Fields(request.body, "profile", "seed", "rate")
    profile, seed = fields.text("profile"), fields.number("seed", 0, LARGEST_SEED)
    state.trouble.choose(profile, seed, fields.fraction("rate"))
    return Answer(asdict(state.trouble.chosen()))
