"""A local WeChat over real HTTP: for tests, for the demo, for development.

It answers the calls of the interface document as WeChat does, error codes included. It imports neither
Django nor the rest of the package, and needs no database.

    key = make_merchant_key()
    merchant = Merchant("wx0123456789abcdef", "secret", "1900006511", (key.certificate_pem,))
    with Sandbox([merchant]) as sandbox:
        auth_token = sandbox.issue_auth_token(Citizen("欧阳娜", "440524188001010014"))
        requests.post(f"{sandbox.url}/cgi-bin/stable_token", json=...)

It misbehaves on demand: `Citizen(..., fault="reset_after_consumption")`, `sandbox.fault("busy")`,
an ID number that selects a fault, or at random: `Sandbox([merchant], profile="unkind", seed=7)`.
`FAULTS` lists all faults. A citizen goes before the camera by `sandbox.show_face(verify_id)`.
"""

from __future__ import annotations

from .citizens import Citizen
from .faults.fault import Fault
from .faults.table import FAULTS
from .keys import MerchantKey, make_merchant_key
from .ledger import LedgerEntry
from .merchants import Merchant
from .sandbox import Sandbox
from .server import CannotListen
from .verify_rets import VERIFY_RETS

__all__ = [
    "FAULTS",
    "VERIFY_RETS",
    "CannotListen",
    "Citizen",
    "Fault",
    "LedgerEntry",
    "Merchant",
    "MerchantKey",
    "Sandbox",
    "make_merchant_key",
]
