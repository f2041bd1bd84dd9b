"""What only the two face calls can meet: a pass that is none, and a verify_id that can't be."""

from __future__ import annotations

from .fault import GETVERIFYID, QUERY, Changed, Encounter, Fault, changed

LONGEST = 256  # characters of a verify_id
QUOTA = 45009


def _query(name: str, description: str, **fields: object) -> Fault:
    """queryverifyinfo answers with these fields instead of its own."""

    def change(encounter: Encounter, document: Changed) -> Changed:
        return document | fields

    return Fault(name, description, changed(change), calls=(QUERY,))


def _verify_id(name: str, description: str, value: str) -> Fault:
    def change(encounter: Encounter, document: Changed) -> Changed:
        return document | {"verify_id": value}

    return Fault(name, description, changed(change), calls=(GETVERIFYID,))


FAULTS: tuple[Fault, ...] = (
    _query("passed_on_the_phone_alone", "10004, whatever the phone said", verify_ret=10004),
    _query("verify_ret_text", 'verify_ret is "10000", a string', verify_ret="10000"),
    _query("verify_ret_fraction", "verify_ret is 10000.0", verify_ret=10000.0),
    _query("verify_ret_list", "verify_ret is [10000]", verify_ret=[10000]),
    _query("verify_ret_true", "verify_ret is true", verify_ret=True),
    _query(
        "verify_ret_unknown", "verify_ret is 10099, which nobody has documented", verify_ret=10099
    ),
    _query(
        "verify_ret_repeated", "10021: a repeated request, of no one knows what", verify_ret=10021
    ),
    _query(
        "passed_and_refused",
        f"verify_ret 10000 beside errcode {QUOTA}",
        errcode=QUOTA,
        verify_ret=10000,
    ),
    Fault(
        "without_verify_ret",
        "the answer has no verify_ret",
        changed(lambda encounter, document: {"errcode": 0, "errmsg": ""}),
        calls=(QUERY,),
    ),
    Fault(
        "without_verify_id",
        "the answer has no verify_id",
        changed(lambda encounter, document: {"errcode": 0, "errmsg": "", "expires_in": 3600}),
        calls=(GETVERIFYID,),
    ),
    _verify_id("verify_id_empty", "verify_id is empty", ""),
    _verify_id(
        "verify_id_too_long", f"verify_id has {LONGEST + 1} characters", "v" * (LONGEST + 1)
    ),
)
