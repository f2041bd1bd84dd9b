"""`WX_REALNAME` from the environment: what `example_project` and twelve-factor sites use.

WX_REALNAME = wx_realname.env.settings(environ.Env())
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import environ
from environ.fileaware_mapping import FileAwareMapping

from . import conf
from .conf.section import nearest
from .exceptions import ConfigurationError

PREFIX = conf.PREFIX

#: Kubernetes sets such variables for every service; those of one named wx-realname have this prefix.
_SERVICE_LINK = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)


def _raw(env: environ.Env, name: str) -> str:
    """The unchanged value: django-environ takes a leading `$` for a reference, and secrets may have one."""
    return str(env.ENVIRON[name])


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _ints(text: str) -> list[int]:
    return [int(part) for part in _list(text)]


def _bool(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _optional(text: str) -> str | None:
    return None if text.strip().lower() == "none" else text


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "CATEGORY_ID": (_ints, "numbers with commas, such as 99,904"),
    "CONNECT_TIMEOUT": (float, "a number of seconds"),
    "READ_TIMEOUT": (float, "a number of seconds"),
    "TOTAL_TIMEOUT": (float, "a number of seconds"),
    "PENDING_TIMEOUT": (float, "a number of seconds"),
    "RETENTION_DAYS": (int, "a number of days"),
    "THROTTLE_RATE": (_optional, "a rate such as 10/min, or none"),
    "FACE_RATE": (_optional, "a rate such as 10/hour, or none"),
    "SEARCH_RATE": (_optional, "a rate such as 10/hour, or none"),
    "FOUR_EYES": (_bool, "true or false"),
    "EXPORT_LIMIT": (int, "a number of rows"),
    "ENCRYPTION_KEYS": (_list, "a list with commas"),
    "INDEX_KEYS": (_list, "a list with commas"),
    "AUDIT_KEYS": (_list, "a list with commas"),
    "MERCHANTS": (json.loads, "a JSON object"),
    "NEXT": (json.loads, "a JSON object"),
    "APPLICATION": (json.loads, "a JSON object"),
}


def settings(env: environ.Env) -> dict[str, Any]:
    """The dict WX_REALNAME from variables such as `WX_REALNAME_APP_ID`; an empty one counts as unset.

    A merchant's variables make the merchant "default"; several merchants come as JSON in
    `WX_REALNAME_MERCHANTS`. Dicts are JSON, lists are separated by commas, secrets are read raw.
    Raises `ConfigurationError` for an unknown variable or one that can't be read; under manage.py it
    returns the complaint instead, which the system check E001 reports.
    """
    try:
        return _settings(env)
    except ConfigurationError as error:
        if not conf.is_command():
            raise
        complaint = str(error)
    return {conf.UNREADABLE: complaint}


def _settings(env: environ.Env) -> dict[str, Any]:
    given = _given(env)
    of_merchant = [name for name in given if name in conf.MERCHANT_NAMES]
    if of_merchant and "MERCHANTS" in given:
        raise ConfigurationError(
            f"{PREFIX}MERCHANTS stands beside {PREFIX}{of_merchant[0]}: keep one of the two ways."
        )
    # Last, so that no error is raised while a name is bound to secrets.
    values = {name: _read(env, name) for name in given}
    merchant = {name: values.pop(name) for name in of_merchant}
    return {**values, "MERCHANTS": {"default": merchant}} if merchant else values


def _given(env: environ.Env) -> list[str]:
    known = (*conf.NAMES, *conf.MERCHANT_NAMES)
    variables = [name for name in _names(env.ENVIRON, known) if name.startswith(PREFIX)]
    for variable in variables:
        if variable.removeprefix(PREFIX) not in known:
            raise ConfigurationError(f"{variable} is unknown.{_way_out(variable, known)}")
    return [name.removeprefix(PREFIX) for name in variables if _is_filled(env, name)]


def _names(environment: Any, known: tuple[str, ...]) -> list[str]:
    """The variables' names. FileAwareEnv reads `NAME` from the file that `NAME_FILE` names.

    A `…_FILE` of our own, such as PRIVATE_KEY_FILE, stays a path.
    """
    if not isinstance(environment, FileAwareMapping):
        return list(environment)
    ours = {PREFIX + name for name in known}
    set_ = set(environment.env)
    return [
        name
        for name in dict.fromkeys(environment)
        if not (name not in ours and name.removesuffix("_FILE") in ours)
        and not (name not in set_ and f"{name}_FILE" in ours)
    ]


def _is_filled(env: environ.Env, variable: str) -> bool:
    try:
        return bool(_raw(env, variable) != "")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8"
    raise ConfigurationError(f"{variable}_FILE can't be read: {reason}.")


def _way_out(variable: str, known: tuple[str, ...]) -> str:
    if variable.removeprefix(PREFIX).removesuffix("_FILE") in known:
        return " environ.FileAwareEnv() reads it: give that to wx_realname.env.settings()."
    if _SERVICE_LINK.search(variable):
        return (
            " Kubernetes sets it in every pod beside a service named wx-realname: put enableServiceLinks: "
            "false into the pod's spec, or rename the service."
        )
    close = nearest(variable.removeprefix(PREFIX), known)
    return f" Did you mean {PREFIX}{close}?" if close else ""


def _read(env: environ.Env, name: str) -> Any:
    reader, form = _READERS.get(name, (str, ""))
    try:
        return reader(_raw(env, PREFIX + name))
    except (ValueError, KeyError):
        pass
    raise ConfigurationError(f"{PREFIX}{name} can't be read: it must be {form}.")
