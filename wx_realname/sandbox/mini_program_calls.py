"""The calls about the mini-program and its users: categories and login."""

from __future__ import annotations

from .errcodes import Refused
from .ledger import Note
from .state import State
from .wire import Document, Request

CATEGORIES: tuple[Document, ...] = (
    {"first_class": "政务民生", "second_class": "社会保障", "first_id": 99, "second_id": 904},
    {"first_class": "医疗", "second_class": "公立医疗机构", "first_id": 304, "second_id": 305},
    {"first_class": "工具", "second_class": "备忘录", "first_id": 1, "second_id": 2},
    {
        "first_class": "教育",
        "second_class": "学历教育",
        "third_class": "高等",
        "first_id": 3,
        "second_id": 4,
        "third_id": 5,
    },
)


def get_category(state: State, request: Request, note: Note) -> Document:
    """GET /wxa/get_category (section 4.2): the same few categories for every mini-program."""
    note.app_id = state.access_tokens.app_id_of(request.query.get("access_token", ""))
    return {"errcode": 0, "errmsg": "ok", "category_list": CATEGORIES}


def jscode2session(state: State, request: Request, note: Note) -> Document:
    """GET /sns/jscode2session: who logged in with the code of wx.login. No errcode on success."""
    asked = request.query
    note.app_id = state.registry.authenticate(asked.get("appid"), asked.get("secret"))
    if asked.get("grant_type") != "authorization_code":
        raise Refused(40002)
    if not asked.get("js_code"):
        raise Refused(41008)
    login = state.login_codes.redeem(asked["js_code"], note.app_id)
    answer = {"session_key": login.session_key, "openid": login.openid}
    return answer if login.unionid is None else {**answer, "unionid": login.unionid}
