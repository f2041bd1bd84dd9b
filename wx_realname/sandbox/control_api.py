"""The control side, under /sandbox/: for tests, the demo and the simulator; loopback only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType

from .citizens import Citizen
from .control_faults import choose_profile, clear_faults, list_faults, queue_fault
from .control_fields import BadControl, Fields
from .faults.profiles import PROFILES
from .merchants import Merchant
from .stand_in import StandIn
from .verify_rets import phone_says
from .wechat_api import ROUTES
from .wire import Answer, Document, Request

PREFIX = "/sandbox"
MOST_TOKENS = 100_000
LARGEST_VERIFY_RET = 2**31 - 1
_CITIZEN = tuple(field.name for field in dataclass_fields(Citizen))


@dataclass(frozen=True)
class Control:
    """One control call: the function that answers it, its fields, and its description."""

    call: Callable[[StandIn, Request], Answer]
    takes: str
    does: str


def is_control(path: str) -> bool:
    """Whether the path belongs to the control side."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def answer(stand_in: StandIn, request: Request) -> Answer:
    """Answer a control call: 400, 403, 404 and 405 come with `{"error": ...}`."""
    if not is_loopback(request.peer):
        return Answer({"error": "the control side answers on loopback only"}, 403)
    methods = CONTROLS.get(f"{PREFIX}/" if request.path == PREFIX else request.path)
    if methods is None:
        return Answer({"error": f"no such control call; GET {PREFIX}/ lists them"}, 404)
    control = methods.get(request.method)
    if control is None:
        return Answer({"error": f"this path takes {' or '.join(methods)}"}, 405)
    try:
        return control.call(stand_in, request)
    except (BadControl, ValueError) as error:
        return Answer({"error": str(error)}, 400)


def is_loopback(peer: str) -> bool:
    """Whether the peer's address is this machine's own loopback, IPv4 inside IPv6 too."""
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def _auth_tokens(stand_in: StandIn, request: Request) -> Answer:
    fields = Fields(request.body, *_CITIZEN, "app_id", "count")
    citizen = _citizen(fields)
    app_id = fields.optional_text("app_id")
    count = fields.number("count", 1, MOST_TOKENS)
    tokens = [stand_in.issue_auth_token(citizen, app_id) for _ in range(count or 1)]
    return Answer({"auth_token": tokens[0]} if count is None else {"auth_tokens": tokens}, 201)


def _citizen(fields: Fields) -> Citizen:
    return Citizen(
        real_name=fields.text("real_name"),
        credential_id=fields.text("credential_id"),
        wechat_pay=fields.flag("wechat_pay", True),
        real_name_info=fields.flag("real_name_info", True),
        busy=fields.number("busy", 0, MOST_TOKENS) or 0,
        fault=fields.optional_text("fault"),
        fault_times=fields.number("fault_times", 1, MOST_TOKENS),
    )


def _login_codes(stand_in: StandIn, request: Request) -> Answer:
    fields = Fields(request.body, "openid", "app_id", "unionid")
    names = ("openid", "app_id", "unionid")
    code, openid = stand_in.issue_login_code(*map(fields.optional_text, names))
    return Answer({"code": code, "openid": openid}, 201)


def _check_codes(stand_in: StandIn, request: Request) -> Answer:
    known = (name for name in _CITIZEN if name != "busy")  # here -1 is one of the faults
    fields = Fields(request.body, *known, "openid", "app_id")
    openid, app_id = fields.text("openid"), fields.optional_text("app_id")
    return Answer({"code": stand_in.issue_check_code(_citizen(fields), openid, app_id)}, 201)


def _faces(stand_in: StandIn, request: Request) -> Answer:
    fields = Fields(request.body, "verify_id", "verify_ret", "fault", "fault_times")
    verify_ret = stand_in.show_face(
        fields.text("verify_id"),
        fields.number("verify_ret", 0, LARGEST_VERIFY_RET),
        fields.optional_text("fault"),
        fields.number("fault_times", 1, MOST_TOKENS),
    )
    return Answer({"verify_ret": verify_ret, "phone": phone_says(verify_ret)})


def _expire_access_tokens(stand_in: StandIn, request: Request) -> Answer:
    fields = Fields(request.body, "keep_repeating")
    keep_repeating = fields.flag("keep_repeating", False)
    return Answer(
        {"expired": stand_in.state.access_tokens.expire_all(keep_repeating=keep_repeating)}
    )


def _read_ledger(stand_in: StandIn, request: Request) -> Answer:
    entries, totals = stand_in.state.ledger.read()
    return Answer({"entries": [entry.as_json() for entry in entries], "totals": totals})


def _reset_ledger(stand_in: StandIn, request: Request) -> Answer:
    return Answer({"removed": stand_in.state.ledger.reset()})


def _about(stand_in: StandIn, request: Request) -> Answer:
    about = {
        "what": "a local WeChat, a stand-in for development and tests; nobody in it is real",
        "merchants": [_merchant(merchant) for merchant in stand_in.state.registry.merchants],
        "control": [
            {"call": f"{method} {path}", "takes": control.takes, "does": control.does}
            for path, methods in CONTROLS.items()
            for method, control in methods.items()
        ],
        "wechat": [f"{route.method} {path}" for path, route in ROUTES.items()],
    }
    return Answer(about)


def _merchant(merchant: Merchant) -> Document:
    return {
        "app_id": merchant.app_id,
        "mch_id": merchant.mch_id,
        "cert_serialnos": list(merchant.public_keys()),
        "button": merchant.button,
        "check": merchant.check,
        "face": merchant.face,
    }


CONTROLS: Mapping[str, Mapping[str, Control]] = MappingProxyType(
    {
        f"{PREFIX}/": {"GET": Control(_about, "", "says what this is")},
        f"{PREFIX}/auth_tokens": {
            "POST": Control(
                _auth_tokens,
                "real_name, credential_id, app_id?, wechat_pay? true, real_name_info? true, "
                "busy? 0 (so many tries answer -1), fault? (only this token meets it), "
                "fault_times? (always), count?",
                "lets a citizen authorize: auth_token, or auth_tokens when count is given",
            )
        },
        f"{PREFIX}/login_codes": {
            "POST": Control(
                _login_codes, "openid?, unionid?, app_id?", "a code as wx.login gives it"
            )
        },
        f"{PREFIX}/check_codes": {
            "POST": Control(
                _check_codes,
                "real_name, credential_id, openid, app_id?, wechat_pay? true, real_name_info? true, "
                "fault? (only this code meets it), fault_times? (always)",
                "lets a citizen go through the city service: a code for checkrealnameinfo",
            )
        },
        f"{PREFIX}/faces": {
            "POST": Control(
                _faces,
                "verify_id, verify_ret? (the ID number's, else 10000), fault? (only the queries of "
                "this verify_id meet it), fault_times? (always)",
                "the citizen before the camera: the verify_ret, and what the phone receives",
            )
        },
        f"{PREFIX}/expire_access_tokens": {
            "POST": Control(
                _expire_access_tokens,
                "keep_repeating? false (stable_token still returns the dead one)",
                "kills all live access tokens",
            )
        },
        f"{PREFIX}/faults": {
            "GET": Control(list_faults, "", "all faults, the profile, and what is queued"),
            "POST": Control(
                queue_fault,
                "fault, call? getrealnameinfo, times? 1",
                "the next requests of that call meet the fault",
            ),
            "DELETE": Control(clear_faults, "", "forgets what is queued"),
        },
        f"{PREFIX}/profile": {
            "POST": Control(
                choose_profile,
                f"profile ({', '.join(PROFILES)}), seed?, rate?",
                "how often this WeChat misbehaves by itself, from now on",
            )
        },
        f"{PREFIX}/ledger": {
            "GET": Control(_read_ledger, "", "what happened"),
            "DELETE": Control(_reset_ledger, "", "forgets what happened"),
        },
    }
)
