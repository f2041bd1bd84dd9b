"""Reasons of audit events that the code writes: facts in fixed forms, which are written and parsed here.

A form is sealed with its event, so it must never change; the console turns it into a sentence in the
reader's language. An officer's own words, where a form has them, stand last.
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
#: Written by `audit.requests`, whose events have an HMAC over the request.
REQUESTED = re.compile(rf"request (?P<request>{_UUID}); (?P<chosen>.*?); (?P<reason>.*)", re.DOTALL)

#: How the rows of an export were chosen, where no filter was set.
ALL = "all"


def searched(by: str, found: int, *, cut: bool) -> str:
    """The reason of a search: what was searched by, and how many records were found."""
    return f"by {by}; found: {found}{'+' if cut else ''}"


def search_refused(by: str) -> str:
    """The reason of a search that SEARCH_RATE refused."""
    return f"by {by}; refused: SEARCH_RATE"


def exported(*, plain: bool, request: UUID | None, chosen: str, reason: str) -> str:
    """The reason of an export's begin, and of each of its parts."""
    released = f"request {request}; " if request else ""
    return f"{'plain' if plain else 'masked'}; {released}{chosen}; {reason}"


def ended(rows: int, *, complete: bool, export: UUID) -> str:
    """The reason of an export's end."""
    return f"rows: {rows}, {'complete' if complete else 'cut short'}; export {export}"


def rotation_begun(encryption: str, index: str) -> str:
    """The reason of a rotation's begin, before its first write: the new keys."""
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
    """The reason of a rotation's end: how much it did, and the event of its begin."""
    return (
        f"{encrypted} re-encrypted under {encryption}, {indexed} re-indexed under {index}, "
        f"{unreadable} unreadable; begun {begun}"
    )


def own_release(request: UUID) -> str:
    """The reason of a refused release: nobody may release a request of his own."""
    return f"release of one's own request {request}"
