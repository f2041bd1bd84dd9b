"""The openid of a wx.login code."""

from __future__ import annotations

from ...exceptions import InvalidRequest
from ...personal_data import Secret
from ...text import clean_text
from .. import clients
from .job import MAX_TOKEN


def login(*, code: str | Secret, merchant: str = "default") -> str:
    """The openid of the mini-program's user, for a code from wx.login. The session_key isn't kept.

    Raises `InvalidCode` for a code that WeChat refuses, and the other `RealNameError` subclasses.
    """
    code = Secret.of(code)
    if fault := clean_text(code, MAX_TOKEN):
        raise InvalidRequest(errors={"code": [str(fault)]})
    client = clients.client_for(clients.find(merchant))
    return client.jscode2session(code, clients.deadline())
