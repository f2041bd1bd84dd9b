"""The one table of faults: it drives the sandbox, its control side, its command line and the tests.

Every fault of a call about a citizen has ID numbers: a citizen with `999999 19900101 NNN C` always
meets fault NNN in getrealnameinfo, checkrealnameinfo or getverifyid; with `19900102`, in
queryverifyinfo. NNN is the fault's place in its group's block. New faults go to the end of a group, so
that no number changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from ..citizens import Citizen
from ..id_numbers import FAULTS_DAY, QUERY_FAULTS_DAY, credential_id
from . import clocks_and_tokens, faces, garbled, latency, lost, quirks, refusals, unreadable
from .fault import CALLS, GETVERIFYID, QUERY, REALNAME, Fault


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
    Group("face", 950, faces.FAULTS),
)


def _rows() -> Iterator[Fault]:
    for group in GROUPS:
        for number, fault in enumerate(group.faults, group.start):
            yield replace(
                fault,
                group=group.name,
                credential_id=_citizen(FAULTS_DAY, number, fault, REALNAME, GETVERIFYID),
                query_credential_id=_citizen(QUERY_FAULTS_DAY, number, fault, QUERY),
            )


def _citizen(day: str, number: int, fault: Fault, *calls: str) -> str | None:
    return credential_id(day, number) if set(calls) & set(fault.calls) else None


FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _rows()})
BY_CREDENTIAL_ID: Mapping[str, Fault] = MappingProxyType(
    {fault.credential_id: fault for fault in FAULTS.values() if fault.credential_id}
)
BY_QUERY_CREDENTIAL_ID: Mapping[str, Fault] = MappingProxyType(
    {fault.query_credential_id: fault for fault in FAULTS.values() if fault.query_credential_id}
)


def of(citizen: Citizen, call: str) -> Fault | None:
    """The fault that this citizen's calls meet; `ValueError` for one that the call can't meet."""
    if citizen.fault is not None:
        return named(citizen.fault, call)
    own = selected(citizen.credential_id, call)
    if own is None and citizen.fault_times is not None:
        raise ValueError("fault_times: there is no fault; give one")
    return own


def selected(credential_id: str, call: str) -> Fault | None:
    """The fault that the ID number selects for this call."""
    numbers = BY_QUERY_CREDENTIAL_ID if call == QUERY else BY_CREDENTIAL_ID
    fault = numbers.get(credential_id)
    return fault if fault and call in fault.calls else None


def named(name: str, call: str = REALNAME) -> Fault:
    """The fault of that name; `ValueError` has the nearest name, or the calls that can meet it."""
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
        citizen = fault.credential_id or fault.query_credential_id or "-" * 18
        consumes = "consumes" if fault.consumes else "        "
        yield f"{fault.group:15} {fault.name:38} {consumes} {citizen}  {fault.description}"
