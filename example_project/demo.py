"""What `manage.py demo` needs before Django starts: a merchant, keys and addresses in `.demo/`."""

from __future__ import annotations

import base64
import json
import secrets
import socket
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from wx_realname.sandbox.new_merchant import CERTIFICATE_FILE, KEY_FILE, make_new_merchant

BASE_DIR = Path(__file__).resolve().parent.parent
STATE = BASE_DIR / ".demo"
SITE_PORT = 8000
LOOPBACK = "127.0.0.1"


def prepare(environment: MutableMapping[str, str]) -> None:
    """Put the demo's settings into the environment; whatever WX_REALNAME_… it had goes."""
    for name in [name for name in environment if name.startswith("WX_REALNAME_")]:
        del environment[name]
    wechat = chosen_port(environment, "DEMO_WECHAT_PORT")
    environment.update(_settings(_state(), wechat, environment.get("DEMO_HOST", LOOPBACK)))


def chosen_port(environment: Mapping[str, str], name: str, preferred: int = 0) -> int:
    """The port that the variable names, else a free one. Raises `SystemExit` for one that can't be had."""
    wanted = environment.get(name, "")
    if not wanted:
        return free_port(preferred)
    port = int(wanted) if wanted.isdecimal() else 0
    if not 0 < port < 65536:
        raise SystemExit(f"{name} must be a port, a number from 1 to 65535.")
    if free_port(port) != port:
        raise SystemExit(f"{name}: port {port} is in use. Give another, or leave {name} out.")
    return port


def free_port(preferred: int = 0) -> int:
    """A port on loopback that nobody listens on; the preferred one if it can be had."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")


def _settings(state: dict[str, Any], wechat: int, host: str) -> dict[str, str]:
    return {
        "SECRET_KEY": state["secret_key"],
        "DEBUG": "true",
        "ALLOWED_HOSTS": f"127.0.0.1,localhost,{host}",
        "DATABASE_URL": f"sqlite:///{STATE / 'db.sqlite3'}",
        "CACHE_URL": "locmemcache://",
        "LOG_LEVEL": "WARNING",  # the demo tells its story itself
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "WX_REALNAME_API_BASE_URL": f"http://{LOOPBACK}:{wechat}",
        "WX_REALNAME_APP_ID": state["app_id"],
        "WX_REALNAME_APP_SECRET": state["app_secret"],
        "WX_REALNAME_MCH_ID": state["mch_id"],
        "WX_REALNAME_PRIVATE_KEY_FILE": str(STATE / "merchant" / KEY_FILE),
        "WX_REALNAME_CERTIFICATE_FILE": str(STATE / "merchant" / CERTIFICATE_FILE),
        "WX_REALNAME_CATEGORY_ID": "99,904",
        "WX_REALNAME_ENCRYPTION_KEYS": f"demo:AES-256-GCM:{state['encryption_key']}",
        "WX_REALNAME_INDEX_KEYS": f"demo:{state['index_key']}",
        "WX_REALNAME_AUDIT_KEYS": f"demo:{state['audit_key']}",
    }


def _state() -> dict[str, Any]:
    """Made once and kept, so that a second run can read what the first one wrote."""
    file = STATE / "state.json"
    if not file.exists():
        _make(file)
    state: dict[str, Any] = json.loads(file.read_text())
    return state


def _make(file: Path) -> None:
    STATE.mkdir(mode=0o700, exist_ok=True)
    for leftover in ("db.sqlite3", f"merchant/{KEY_FILE}", f"merchant/{CERTIFICATE_FILE}"):
        (STATE / leftover).unlink(missing_ok=True)  # of a run that was stopped half-way
    (STATE / "merchant" / "app_secret").unlink(missing_ok=True)
    merchant = make_new_merchant(STATE / "merchant").merchant
    state = {
        "app_id": merchant.app_id,
        "app_secret": merchant.app_secret,
        "mch_id": merchant.mch_id,
        "secret_key": secrets.token_urlsafe(48),
        **{f"{name}_key": _key() for name in ("encryption", "index", "audit")},
    }
    half = file.with_suffix(".new")
    half.touch(mode=0o600)
    half.write_text(json.dumps(state))
    half.replace(file)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
