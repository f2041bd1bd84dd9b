"""The whole stand-in: its state, its faults, and the citizens' acts."""

from __future__ import annotations

from dataclasses import dataclass, field

from .check_codes import Visit
from .citizens import Citizen
from .faults import table
from .faults.fault import CHECK, QUERY, REALNAME
from .faults.own_faults import OwnFaults
from .faults.trouble import Trouble
from .login_codes import Login, new_openid
from .state import State


@dataclass(frozen=True)
class StandIn:
    """What the server serves. The citizens' acts raise `ValueError` for invalid values."""

    state: State
    trouble: Trouble
    own_faults: OwnFaults = field(default_factory=OwnFaults)

    def issue_auth_token(self, citizen: Citizen, app_id: str | None) -> str:
        """A citizen authorises."""
        fault = table.of(citizen, REALNAME)
        app_id = self.state.registry.choose_app(app_id)
        auth_token = self.state.auth_tokens.issue(citizen, app_id)
        self.own_faults.bring(auth_token, fault, citizen.fault_times)
        return auth_token

    def issue_check_code(self, citizen: Citizen, openid: str, app_id: str | None) -> str:
        """A citizen goes through the city service."""
        fault = table.of(citizen, CHECK)
        app_id = self.state.registry.choose_app(app_id)
        code = self.state.check_codes.issue(Visit(citizen, openid, app_id))
        self.own_faults.bring(code, fault, citizen.fault_times)
        return code

    def issue_login_code(
        self, openid: str | None, app_id: str | None, unionid: str | None
    ) -> tuple[str, str]:
        """A user opens the mini-program: the code, and the openid, a new one unless given."""
        openid = openid or new_openid()
        login = Login(openid, self.state.registry.choose_app(app_id), unionid)
        return self.state.login_codes.issue(login), openid

    def show_face(
        self,
        verify_id: str,
        verify_ret: int | None = None,
        fault: str | None = None,
        fault_times: int | None = None,
    ) -> int:
        """A citizen is before the camera; the verify_ret, by default the one of the ID number."""
        if fault is None and fault_times is not None:
            raise ValueError("fault_times: there is no fault; give one")
        own = None if fault is None else table.named(fault, QUERY)
        verify_ret = self.state.faces.show(verify_id, verify_ret, self.state.now())
        self.own_faults.bring(verify_id, own, fault_times)
        return verify_ret
