"""What an event's reason says where the machine wrote it: facts in one fixed form, written and read here.

The form is sealed with the event, so it never changes; the console turns it into a sentence in the reader's
language. Where an officer's own words belong to it, they stand last.
"""

from __future__ import annotations

import re
from uuid import UUID

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BY = r"by (?P<by>name|number|name and number)"

SEARCHED = re.compile(rf"{_BY}; found: (?P<found>\d+)(?P<cut>\+?)", re.ASCII)
SEARCH_REFUSED = re.compile(rf"{_BY}; refused: SEARCH_RATE")
EXPORTED = re.compile(
    rf"(?P<content>plain|masked); (?:request (?P<request>{_UUID}); )?(?P<chosen>.*?); (?P<reason>.*)",
    re.DOTALL,
)
ENDED = re.compile(rf"rows: (?P<rows>\d+), (?P<end>complete|cut short); export (?P<export>{_UUID})")
ROTATION_BEGUN = re.compile(r"begun: to (?P<encryption>\S+) and (?P<index>\S+)")
ROTATION_ENDED = re.compile(
    r"(?P<encrypted>\d+) re-encrypted under (?P<encryption>\S+), "
    r"(?P<indexed>\d+) re-indexed under (?P<index>\S+), "
    rf"(?P<unreadable>\d+) unreadable; begun {_UUID}"
)
OWN_RELEASE = re.compile(rf"release of one's own request {_UUID}")
#: Written by `audit.requests`, which vouches for it.
REQUESTED = re.compile(rf"request (?P<request>{_UUID}); (?P<chosen>.*?); (?P<reason>.*)", re.DOTALL)

#: How the rows of an export were chosen, where no filter was set.
ALL = "all"


def searched(by: str, found: int, *, cut: bool) -> str:
    """Of a search: by what, and how many were found."""
    return f"by {by}; found: {found}{'+' if cut else ''}"


def search_refused(by: str) -> str:
    """Of a search that SEARCH_RATE refused."""
    return f"by {by}; refused: SEARCH_RATE"


def exported(*, plain: bool, request: UUID | None, chosen: str, reason: str) -> str:
    """Of an export that begins, and of each part of it."""
    released = f"request {request}; " if request else ""
    return f"{'plain' if plain else 'masked'}; {released}{chosen}; {reason}"


def ended(rows: int, *, complete: bool, export: UUID) -> str:
    """Of an export that ended."""
    return f"rows: {rows}, {'complete' if complete else 'cut short'}; export {export}"


def rotation_begun(encryption: str, index: str) -> str:
    """Of a rotation, before its first write: to which keys."""
    return f"begun: to {encryption} and {index}"


def rotation_ended(
    *,
    encrypted: int,
    encryption: str,
    indexed: int,
    index: str,
    unreadable: int,
    begun: UUID,
) -> str:
    """Of a rotation that ended or was stopped: how much it did, and the event of its begin."""
    return (
        f"{encrypted} re-encrypted under {encryption}, {indexed} re-indexed under {index}, "
        f"{unreadable} unreadable; begun {begun}"
    )


def own_release(request: UUID) -> str:
    """The permission that nobody has: to release the export that he asked for."""
    return f"release of one's own request {request}"
