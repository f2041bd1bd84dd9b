"""checkrealnameinfo: compares what the citizen typed with what WeChat Pay knows."""

from __future__ import annotations

from .citizens import Citizen
from .errcodes import Refused
from .ledger import Note
from .state import State
from .wire import Document, Request, json_object

ID_CARD = "1"
FIELDS = ("openid", "real_name", "cred_id", "cred_type", "code")


def checkrealnameinfo(state: State, request: Request, note: Note) -> Document:
    """POST /intp/realname/checkrealnameinfo: consume the code, answer the verdict, never a name.

    V_OP_NA: nothing is known about the citizen. V_OP_NM_UM: another name. The second field, whether
    the number matches, is there only if the name matches.
    """
    note.app_id = state.access_tokens.app_id_of(request.query.get("access_token", ""))
    asked = json_object(request.body)
    note.token(asked.get("code"))
    if not state.registry.may(note.app_id, "check"):
        raise Refused(48001)
    if (
        not all(isinstance(asked.get(name), str) for name in FIELDS)
        or asked["cred_type"] != ID_CARD
    ):
        raise Refused(47001)
    citizen = state.check_codes.redeem(asked["code"], asked["openid"], note.app_id)
    note.consumed = True
    note.verdict = _verdict(citizen, asked)
    return {"errcode": 0, "errmsg": "ok", **note.verdict}


def _verdict(citizen: Citizen, asked: Document) -> Document:
    if not (citizen.wechat_pay and citizen.real_name_info):
        return _words("V_OP_NA")
    if asked["real_name"] != citizen.real_name:
        return _words("V_OP_NM_UM")
    same = asked["cred_id"] == citizen.credential_id.upper()
    return _words("V_OP_NM_MA", "V_NM_ID_MA" if same else "V_NM_ID_UM")


def _words(person: str, number: str = "") -> Document:
    return {"verify_openid": person, "verify_real_name": number}
