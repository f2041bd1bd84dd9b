"""Faults of the two face calls only: invalid verdicts, and invalid verify_ids."""

from __future__ import annotations

from .fault import FACE_CALLS, GETVERIFYID, QUERY, Changed, Encounter, Fault, changed
from .unreadable import without

TOO_LONG = 257  # characters of a verify_id: WeChat documents 256
QUOTA = 45009


def _answers(call: str, name: str, description: str, **fields: object) -> Fault:
    """A success with these fields instead of its own."""

    def change(encounter: Encounter, document: Changed) -> Changed:
        return document | fields

    return Fault(name, description, changed(change), calls=(call,))


FAULTS: tuple[Fault, ...] = (
    _answers(
        QUERY, "passed_on_the_phone_alone", "10004, whatever the phone said", verify_ret=10004
    ),
    _answers(QUERY, "verify_ret_text", 'verify_ret is "10000", a string', verify_ret="10000"),
    _answers(QUERY, "verify_ret_fraction", "verify_ret is 10000.0", verify_ret=10000.0),
    _answers(QUERY, "verify_ret_list", "verify_ret is [10000]", verify_ret=[10000]),
    _answers(QUERY, "verify_ret_true", "verify_ret is true", verify_ret=True),
    _answers(QUERY, "verify_ret_unknown", "verify_ret is 10099, in no document", verify_ret=10099),
    _answers(QUERY, "verify_ret_repeated", "10021, which names no result", verify_ret=10021),
    _answers(
        QUERY,
        "passed_and_refused",
        f"verify_ret 10000 beside errcode {QUOTA}",
        errcode=QUOTA,
        verify_ret=10000,
    ),
    Fault("without_verify_ret", "there is no verify_ret", without("verify_ret"), calls=(QUERY,)),
    Fault("without_verify_id", "there is no verify_id", without("verify_id"), calls=(GETVERIFYID,)),
    _answers(GETVERIFYID, "verify_id_empty", "verify_id is empty", verify_id=""),
    _answers(
        GETVERIFYID,
        "verify_id_too_long",
        f"verify_id has {TOO_LONG} characters",
        verify_id="v" * TOO_LONG,
    ),
    Fault(
        "face_without_errcode",
        "no errcode, which isn't 0",
        without("errcode"),
        calls=FACE_CALLS,
    ),
)
