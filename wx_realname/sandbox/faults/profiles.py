"""How often a WeChat misbehaves by itself, and how: kind, as in production, or unkind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from .fault import Fault
from .latency import log_normal
from .table import FAULTS


def _at_once(dice: Random) -> float:
    return 0.0


@dataclass(frozen=True)
class Profile:
    """`rate` is the part of all calls that meet a fault, `mix` the weight of each fault among them.

    `latency` returns the seconds that an answer takes.
    """

    name: str
    description: str
    rate: float
    mix: Mapping[str, int]
    latency: Callable[[Random], float] = _at_once

    def fault_for(self, call: str, dice: Random) -> Fault:
        """One fault of the mix that this call can meet."""
        able = [name for name in self.mix if call in FAULTS[name].calls]
        (name,) = dice.choices(able, [self.mix[name] for name in able])
        return FAULTS[name]


KIND = Profile("kind", "answers, always and at once", 0.0, MappingProxyType({}))

# 1 call in 1000 is answered with -1; 3 in 10,000 get lost on the way.
REAL = Profile(
    "real",
    "as in production: 60 ms in the median, 1 call in 1000 busy, a reset now and then",
    0.0013,
    MappingProxyType(
        {
            "busy": 1000,
            "reset_before_consumption": 100,
            "reset_after_consumption": 50,
            "close_after_consumption": 50,
            "http_502_before_consumption": 50,
            "timeout_before_consumption": 25,
            "timeout_after_consumption": 25,
        }
    ),
    log_normal,
)

# One call in five: refused, lost before or after consumption, or unreadable.
UNKIND = Profile(
    "unkind",
    "one call in five meets a fault, before or after the auth_token is consumed",
    0.2,
    MappingProxyType(
        {
            # 30: refused, nothing consumed
            "busy": 12,
            "errcode_45009": 3,
            "errcode_45011": 3,
            "errcode_42001": 3,
            "access_token_dies": 3,
            "access_token_born_dead": 3,
            "dead_token_repeated": 3,
            # 20: lost before anything was consumed
            "reset_before_consumption": 5,
            "close_before_consumption": 3,
            "timeout_before_consumption": 2,
            "http_502_before_consumption": 4,
            "http_503_before_consumption": 4,
            "html_before_consumption": 2,
            # 30: consumed, and the answer lost
            "reset_after_consumption": 6,
            "close_after_consumption": 4,
            "timeout_after_consumption": 2,
            "busy_after_consumption": 3,
            "http_500_after_consumption": 3,
            "http_504_after_consumption": 3,
            "cut_body": 3,
            "cut_json": 2,
            "empty_body": 2,
            "content_length_too_short": 2,
            # 5: consumed, and the answer unreadable
            "encrypted_for_another_key": 2,
            "without_encryted_real_name": 1,
            "wrong_types_null": 2,
            # 15: a success of an unusual shape
            "spelt_encrypted": 2,
            "base64_with_newlines": 2,
            "without_errcode": 2,
            "chunked_answer": 2,
            "keep_alive_broken": 3,
            "answer_twice": 2,
            "latency_fixed": 2,
            # beside the 100, for face calls only: an invalid verdict or verify_id
            "verify_ret_text": 2,
            "verify_ret_repeated": 2,
            "passed_and_refused": 2,
            "without_verify_ret": 2,
            "without_verify_id": 2,
        }
    ),
)

PROFILES: Mapping[str, Profile] = MappingProxyType({p.name: p for p in (KIND, REAL, UNKIND)})
