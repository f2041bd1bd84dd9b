"""The answer is lost, or cut: time-outs, resets, drips; before or after the token is consumed."""

from __future__ import annotations

from collections.abc import Iterable

from ..reply import NEVER, Part, Pause
from .fault import Fault, before_and_after, sends

LATE = 30.0  # seconds
DRIP = 0.1  # seconds between two bytes


def _nothing(head: bytes, body: bytes) -> Iterable[Part]:
    return ()


def _silence(head: bytes, body: bytes) -> Iterable[Part]:
    return (NEVER,)


def _half(head: bytes, body: bytes) -> Iterable[Part]:
    return (head + body[: len(body) // 2],)


def _half_a_head(head: bytes, body: bytes) -> Iterable[Part]:
    return (head[: len(head) // 2],)


def _half_then_silence(head: bytes, body: bytes) -> Iterable[Part]:
    return (*_half(head, body), NEVER)


def _late(head: bytes, body: bytes) -> Iterable[Part]:
    return (Pause(LATE), head + body)


def _drips_all(head: bytes, body: bytes) -> Iterable[Part]:
    return _drips(b"", head + body)


def _drips(head: bytes, body: bytes) -> Iterable[Part]:
    if head:
        yield head
    for byte in body:
        yield Pause(DRIP)
        yield bytes([byte])


FAULTS: tuple[Fault, ...] = (
    *before_and_after("timeout", "never answers", sends(_silence)),
    *before_and_after("reset", "resets the connection unanswered", sends(_nothing, ends="reset")),
    *before_and_after("close", "closes the connection unanswered", sends(_nothing, ends="close")),
    Fault("reset_in_the_head", "resets within the headers", sends(_half_a_head, ends="reset")),
    Fault("reset_in_the_body", "resets within the body", sends(_half, ends="reset")),
    Fault("cut_body", "closes in the middle of the body", sends(_half, ends="close")),
    Fault("stalled_body", "sends half of the body, then nothing", sends(_half_then_silence)),
    Fault("late_answer", f"answers after {LATE:.0f} s", sends(_late, whole=True)),
    Fault("slow_drip", f"sends the body by a byte every {DRIP} s", sends(_drips, whole=True)),
    Fault(
        "slow_drip_of_head",
        f"sends headers and body by a byte every {DRIP} s",
        sends(_drips_all, whole=True),
    ),
)
