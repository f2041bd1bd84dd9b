"""The control address of the local sandbox: whether there is one, and what it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from wx_realname import conf
from wx_realname.exceptions import ConfigurationError

TIMEOUTS = (0.5, 5.0)  # seconds to connect, seconds to read: it is on this machine


class Refused(Exception):
    """The sandbox didn't do what it was asked for, or went away."""


class Control:
    """The control calls at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str) -> dict[str, Any]:
        """The answer to a GET. Raises `Refused`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The answer to a POST. Raises `Refused`."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> dict[str, Any]:
        address = f"{self._address}/sandbox/{path}"
        with requests.Session() as session:
            session.trust_env = False  # a proxy isn't this machine
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE", True)
            try:
                answer = session.request(
                    method, address, json=body, timeout=TIMEOUTS, allow_redirects=False
                )
                document = answer.json()
            except requests.RequestException as error:
                raise Refused(f"the sandbox gave no answer ({type(error).__name__})") from None
        if not answer.ok or not isinstance(document, dict):
            raise Refused(f"the sandbox answered {answer.status_code}")
        return document


def local() -> Control | None:
    """The local sandbox's control side; None while API_BASE_URL is anything else.

    Only an address on loopback is asked, and it must say of itself that it is the sandbox.
    """
    try:
        address = conf.current().api_base_url
    except ConfigurationError:
        return None
    control, host = Control(address), urlsplit(address).hostname or ""
    return control if conf.is_loopback(host) and _is_sandbox(control) else None


def _is_sandbox(control: Control) -> bool:
    try:
        about = control.get("")
    except Refused:
        return False
    return "merchants" in about and "control" in about
