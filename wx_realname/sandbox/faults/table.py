"""The one table of faults: it drives the sandbox, its control side, its command line and the tests.

Every fault that an exchange can meet has a citizen of its own: whoever has the ID number
`999999 19900101 NNN C` always meets fault NNN. No district has the number 999999, so nobody real
bears such a number; its shape, its date and its check character C are right. NNN is the fault's
place in its group's block: new faults go to the end of a group, lest numbers change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from . import clocks_and_tokens, garbled, latency, lost, quirks, refusals, unreadable
from .fault import CALLS, REALNAME, Fault

BLOCK = "99999919900101"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # ISO 7064 MOD 11-2
_CHECK_CHARACTERS = "10X98765432"


@dataclass(frozen=True)
class Group:
    """Faults of one kind; the numbers of their citizens begin at `start`."""

    name: str
    start: int
    faults: tuple[Fault, ...]


GROUPS: tuple[Group, ...] = (
    Group("refusal", 0, refusals.FAULTS),
    Group("strange_refusal", 200, refusals.STRANGE),
    Group("lost", 300, lost.FAULTS),
    Group("garbled", 400, garbled.FAULTS),
    Group("unreadable", 600, unreadable.FAULTS),
    Group("quirk", 700, quirks.FAULTS),
    Group("slow", 800, latency.FAULTS),
    Group("clock", 850, clocks_and_tokens.CLOCKS),
    Group("token", 900, clocks_and_tokens.TOKENS),
)


def credential_id(number: int) -> str:
    """The ID number of the citizen who meets the fault of this number."""
    first_17 = f"{BLOCK}{number:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return first_17 + _CHECK_CHARACTERS[total % 11]


def _rows() -> Iterator[Fault]:
    for group in GROUPS:
        for number, fault in enumerate(group.faults, group.start):
            citizen = credential_id(number) if REALNAME in fault.calls else None
            yield replace(fault, group=group.name, credential_id=citizen)


FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _rows()})
BY_CREDENTIAL_ID: Mapping[str, Fault] = MappingProxyType(
    {fault.credential_id: fault for fault in FAULTS.values() if fault.credential_id}
)


def named(name: str, call: str = REALNAME) -> Fault:
    """The fault of that name; `ValueError` tells the nearest name, or the calls that can meet it."""
    if call not in CALLS:
        raise ValueError(f"call: {ascii(call)[:60]} is none; there are {', '.join(CALLS)}")
    fault = FAULTS.get(name)
    if fault is None:
        nearest = get_close_matches(name[:60], FAULTS, n=1, cutoff=0.0)[0]
        raise ValueError(f"fault: {ascii(name)[:60]} is none; the nearest is {nearest}")
    if call not in fault.calls:
        raise ValueError(
            f"fault: {name} can be met by {', '.join(fault.calls)} only, not by {call}"
        )
    return fault


def listing() -> Iterator[str]:
    """The table in lines, for the command line."""
    for fault in FAULTS.values():
        citizen = fault.credential_id or "-" * 18
        consumes = "consumes" if fault.consumes else "        "
        yield f"{fault.group:15} {fault.name:38} {consumes} {citizen}  {fault.description}"
