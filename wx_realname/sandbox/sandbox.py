"""The sandbox as Python code uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from .access_tokens import LIFETIME
from .citizens import Citizen
from .faults.fault import REALNAME
from .faults.profiles import KIND
from .faults.trouble import Chosen, Trouble
from .ledger import LedgerEntry
from .merchants import Merchant
from .server import SandboxServer
from .stand_in import StandIn
from .state import State
from .tls import prepare

_POLL = 0.02  # seconds that stop() waits, at most


class Sandbox:
    """A local WeChat, started and stopped by `with`, or by `start()` and `stop()`.

    `port` 0 takes a free one; `token_lifetime` in seconds; `clock` returns Unix seconds. `profile` is how
    it misbehaves: kind, real or unkind; `rate` is the share of calls that meet a fault (default: the
    profile's); the same `seed` gives the same faults again. With `tls`, a folder for a CA of its own, it
    speaks TLS. Raises `ValueError` for contradictory merchants and invalid options, `OSError` for a
    folder that can't be written. It keeps its state after a stop, and can be started again.
    """

    def __init__(
        self,
        merchants: Iterable[Merchant],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token_lifetime: float = LIFETIME,
        clock: Callable[[], float] = time.time,
        profile: str = KIND.name,
        seed: int | None = None,
        rate: float | None = None,
        tls: Path | None = None,
    ) -> None:
        self._state = State(merchants, token_lifetime, clock)
        self._stand_in = StandIn(self._state, Trouble(profile, seed, rate))
        self._tls = None if tls is None else prepare(tls, host)
        self._host = host
        self._port = port
        self._server: SandboxServer | None = None

    def start(self) -> None:
        """Listen, and answer from threads of its own; raises `CannotListen`."""
        if self._server is not None:
            raise RuntimeError("the sandbox is running")
        context = self._tls.context if self._tls else None
        self._server = SandboxServer(self._host, self._port, self._stand_in, context)
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="wechat-sandbox", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening and end the open connections; harmless when it isn't running."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.close_connections()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end; `RuntimeError` unless it runs."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return self._url(self._server.server_port)

    @property
    def url_asked_for(self) -> str:
        """Its URL once it runs, unless its port is 0."""
        return self._url(self._port)

    def _url(self, port: int) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http{'s' if self._tls else ''}://{host}:{port}"

    @property
    def speaks_tls(self) -> bool:
        """Whether `tls` was given."""
        return self._tls is not None

    @property
    def ca_file(self) -> Path:
        """The CA that clients must trust (REQUESTS_CA_BUNDLE); `RuntimeError` without `tls`."""
        if self._tls is None:
            raise RuntimeError("the sandbox speaks no TLS: give it a folder, tls=")
        return self._tls.ca_file

    @property
    def trouble(self) -> Chosen:
        """How it misbehaves by itself: profile, seed and rate."""
        return self._stand_in.trouble.chosen()

    def use_profile(self, profile: str, seed: int | None = None, rate: float | None = None) -> None:
        """Misbehave in another way from now on; `ValueError` as for the sandbox itself."""
        self._stand_in.trouble.choose(profile, seed, rate)

    def fault(self, name: str, call: str = REALNAME, times: int = 1) -> None:
        """The next `times` requests of that call meet the fault; `ValueError` names the nearest."""
        self._stand_in.trouble.queue(name, call, times)

    def clear_faults(self) -> None:
        """Empty the queue of `fault`; citizens keep their own faults."""
        self._stand_in.trouble.clear()

    def issue_auth_token(self, citizen: Citizen, app_id: str | None = None) -> str:
        """Let a citizen authorise; `ValueError` unless `app_id` is known, or the only one."""
        return self._stand_in.issue_auth_token(citizen, app_id)

    def issue_login_code(
        self, openid: str | None = None, app_id: str | None = None, unionid: str | None = None
    ) -> str:
        """A code as wx.login gives it, for this user or for a new one."""
        return self._stand_in.issue_login_code(openid, app_id, unionid)[0]

    def issue_check_code(self, citizen: Citizen, openid: str, app_id: str | None = None) -> str:
        """Let a citizen go through WeChat's city service, for one checkrealnameinfo of that openid."""
        return self._stand_in.issue_check_code(citizen, openid, app_id)

    def show_face(
        self,
        verify_id: str,
        verify_ret: int | None = None,
        fault: str | None = None,
        fault_times: int | None = None,
    ) -> int:
        """Let the citizen of this verify_id go before the camera; returns the verify_ret.

        That is the one given, else the one that the ID number selects (`VERIFY_RETS`), else 10000.
        The first `fault_times` queries (default: all) meet `fault`. Raises `ValueError` for a
        verify_id that is unknown, has expired, or was used: it is valid for one try.
        """
        return self._stand_in.show_face(verify_id, verify_ret, fault, fault_times)

    def expire_access_tokens(self, *, keep_repeating: bool = False) -> int:
        """Kill all live access tokens (40001 from now on). Return how many there were.

        With `keep_repeating` stable_token's normal mode still returns the dead token until it is
        forced.
        """
        return self._state.access_tokens.expire_all(keep_repeating=keep_repeating)

    @property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        """The entries of the ledger, oldest first."""
        return self._state.ledger.read()[0]

    @property
    def totals(self) -> Mapping[str, int]:
        """How often each call was made, by its name (the last part of its path)."""
        return self._state.ledger.read()[1]

    def reset_ledger(self) -> None:
        """Empty the ledger; tokens and codes stay."""
        self._state.ledger.reset()
