"""Loaded by Schemathesis: a valid body, whose random tokens WeChat would refuse, gets real ones.

Every second: so the answers to refused tokens are judged as well.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import requests
import schemathesis

WECHAT = os.environ["SANDBOX_URL"]
PERSON = {"real_name": "欧阳娜", "credential_id": "440524198001010013"}
turns = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if not isinstance(case.body, dict) or case.meta.generation.mode.is_negative:
        return
    real = {"merchant": "default", "credential_id": PERSON["credential_id"]}
    if next(turns) % 2:
        real["auth_token"] = _issued("auth_tokens", PERSON)["auth_token"]
        if case.path == "/api/login/":
            real["code"] = _issued("login_codes", {})["code"]
    case.body = case.body | {name: value for name, value in real.items() if name in case.body}


def _issued(what: str, wanted: dict[str, str]) -> Any:
    return requests.post(f"{WECHAT}/sandbox/{what}", json=wanted, timeout=30).json()
