"""The control side's calls about faults: the table, the queue, and the profile."""

from __future__ import annotations

from dataclasses import asdict

from .control_fields import Fields
from .faults.fault import REALNAME
from .faults.table import FAULTS
from .faults.trouble import LARGEST_SEED, MOST_TIMES
from .stand_in import StandIn
from .wire import Answer, Request


def list_faults(stand_in: StandIn, request: Request) -> Answer:
    """GET: the table, the profile, and the queue."""
    return Answer({"faults": [f.as_json() for f in FAULTS.values()], **stand_in.trouble.as_json()})


def queue_fault(stand_in: StandIn, request: Request) -> Answer:
    """POST: the next requests of a call meet a fault."""
    fields = Fields(request.body, "fault", "call", "times")
    fault, call = fields.text("fault"), fields.optional_text("call") or REALNAME
    times = fields.number("times", 1, MOST_TIMES) or 1
    stand_in.trouble.queue(fault, call, times)
    return Answer({"fault": fault, "call": call, "times": times}, 201)


def clear_faults(stand_in: StandIn, request: Request) -> Answer:
    """DELETE: empty the queue."""
    return Answer({"removed": stand_in.trouble.clear()})


def choose_profile(stand_in: StandIn, request: Request) -> Answer:
    """POST: another profile from now on."""
    fields = Fields(request.body, "profile", "seed", "rate")
    profile, seed = fields.text("profile"), fields.number("seed", 0, LARGEST_SEED)
    stand_in.trouble.choose(profile, seed, fields.fraction("rate"))
    return Answer(asdict(stand_in.trouble.chosen()))
