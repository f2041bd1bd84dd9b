"""Many exchanges with an unkind WeChat, while workers are killed and servers go away; then the books.

The sandbox's own ledger is held against the database: what WeChat knows to be consumed must be
accounted for, and nobody may be verified whom WeChat didn't verify.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.e2e.site import Citizen, Site
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Sandbox

REALNAME = "getrealnameinfo"
#: Said by WeChat without looking at the auth_token: what may be repeated within one attempt.
REPEATABLE = {-1, 40001, 40014, 42001}
ACCOUNTED = {"verified", "unknown"}
TRIES = 8

TIMEOUTS = {
    "WX_REALNAME_CONNECT_TIMEOUT": "1",
    "WX_REALNAME_READ_TIMEOUT": "1",
    "WX_REALNAME_TOTAL_TIMEOUT": "3",
    "WX_REALNAME_PENDING_TIMEOUT": "7",
}

ACCOUNTS = """
import json, sys
from wx_realname import conf
from wx_realname.models import AuditEvent, Verification
from wx_realname.vault.blind_index import blind_index
index = blind_index(conf.current().index_keys, "wx_realname.token_digest")
tokens = {index.digest(token).hex: token for token in json.load(sys.stdin)}
ends = {}
for event in AuditEvent.objects.filter(event__in=["exchange", "exchange_abandoned"]):
    ends.setdefault(str(event.verification_id), []).append(event.attempt)
for row in Verification.objects.all():
    plain = row.personal_data()
    print(json.dumps({
        "token": tokens.get(row.token_digest), "status": row.status, "in_doubt": row.in_doubt,
        "attempts": row.attempt, "ends": sorted(ends.get(str(row.pk), [])),
        "name": plain and plain.real_name, "number": plain and plain.credential_id,
    }))
"""


@dataclass
class Ticket:
    """One citizen's authorisation, and what the mini-program heard of it."""

    person: Person
    token: str = field(repr=False)
    heard: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()


class Campaign:
    """`trouble` is what befalls the site meanwhile, one after the other, at least `pause` seconds apart.

    Between two of them somebody has logged in: else a slow machine would never recover.
    """

    def __init__(
        self,
        site: Site,
        wechat: Sandbox,
        *,
        exchanges: int,
        seed: int,
        trouble: list[Callable[[], None]],
        pause: float,
    ) -> None:
        self._site, self._wechat = site, wechat
        self._dice = random.Random(seed)
        self._trouble, self._pause = trouble, pause
        self._recovered = threading.Event()
        self.struck: Counter[str] = Counter()
        self.tickets = [self._ticket() for _ in range(exchanges)]

    def _ticket(self) -> Ticket:
        number = f"{self._dice.randrange(110000, 650000)}19900101{self._dice.randrange(1000):03}X"
        name = "".join(self._dice.choices("赵钱孙李周吴郑王䶮𠮷", k=self._dice.choice([2, 3])))
        odd = self._dice.random()
        person = Person(name, number, wechat_pay=odd > 0.02, real_name_info=odd < 0.98)
        return Ticket(person, self._wechat.issue_auth_token(person))

    def run(self, threads: int) -> None:
        """Every ticket is posted until it has an answer that stays; some of them twice at once."""
        over = threading.Event()
        striker = threading.Thread(target=self._strike, args=(over,))
        striker.start()
        twice = [ticket for ticket in self.tickets if self._dice.random() < 0.1]
        jobs = [*self.tickets, *twice]
        self._dice.shuffle(jobs)
        try:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(self._go_through, jobs))
        finally:
            over.set()
            striker.join()

    def _strike(self, over: threading.Event) -> None:
        while not over.wait(self._pause):
            if not self._recovered.is_set():
                continue
            self._recovered.clear()
            blow = self._dice.choice(self._trouble)
            self.struck[blow.__name__] += 1
            blow()

    def _go_through(self, ticket: Ticket) -> None:
        citizen = self._logged_in(f"o{ticket.digest[:27]}")
        for _ in range(TRIES):
            said, again = posted(
                citizen, "realname/verifications/", json={"auth_token": ticket.token}
            )
            ticket.heard.append(str(said.get("status") or said["code"]))
            if not again:
                return
            time.sleep(0.3)

    def _logged_in(self, openid: str) -> Citizen:
        while True:
            try:
                citizen = Citizen(self._site, self._wechat.issue_login_code(openid))
                self._recovered.set()
                return citizen
            except (AssertionError, requests.RequestException):
                time.sleep(0.2)

    # --- the books ----------------------------------------------------------------------------

    def sweep(self) -> None:
        """What an operator's timers do."""
        time.sleep(float(TIMEOUTS["WX_REALNAME_PENDING_TIMEOUT"]) + 1)
        for command in ("realname_purge", "realname_seal_audit", "realname_verify_audit"):
            self._site.manage(command)

    def books(self, logs: str) -> Books:
        tokens = json.dumps([ticket.token for ticket in self.tickets])
        rows = {row["token"]: row for row in self._rows(ACCOUNTS, stdin=tokens)}
        return Books(self.tickets, rows, self._calls(REALNAME), logs)

    def _rows(self, accounts: str, stdin: str = "") -> list[dict[str, Any]]:
        """What that code prints of the database, a JSON object a line."""
        printed = self._site.manage("shell", "-v", "0", "-c", accounts, stdin=stdin)
        return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]

    def _calls(self, *names: str) -> dict[str, list[Any]]:
        """Those of WeChat's ledger, by the digest of their token."""
        calls: dict[str, list[Any]] = {}
        for entry in self._wechat.ledger:
            if entry.call in names and entry.auth_token_digest:
                calls.setdefault(entry.auth_token_digest, []).append(entry)
        return calls


def posted(citizen: Citizen, path: str, **kwargs: Any) -> tuple[dict[str, Any], bool]:
    """What the mini-program hears, and whether it asks again."""
    try:
        answer = citizen.call("POST", path, **kwargs)
        said = answer.json()
    except (requests.RequestException, ValueError):
        return {"code": "lost"}, True
    return said, answer.status_code == 500 or said.get("retry") == "later"


def figures(books: Any) -> dict[str, Counter[Any]]:
    """What happened, for the table."""
    entries = [call for calls in books.calls.values() for call in calls]
    return {
        "status": Counter(row["status"] for row in books.rows.values()),
        "heard": Counter(heard for ticket in books.tickets for heard in ticket.heard),
        "fault": Counter(call.fault for call in entries if call.fault),
    }


@dataclass(frozen=True)
class Books:
    """WeChat's ledger against the database."""

    tickets: list[Ticket]
    rows: dict[str, dict[str, Any]]
    calls: dict[str, list[Any]]
    logs: str

    def faults(self) -> dict[str, int]:
        """What must not be, and how often it is."""
        return {
            "tokens consumed and not accounted for": count(self._unaccounted()),
            "verified, and not by WeChat, or as somebody else": count(self._false()),
            "calls repeated that must not be": count(self._repeated()),
            "rows pending after the sweep": count(self._with_status("pending")),
            "attempts without their one event": count(self._without_event()),
            "answers that the database contradicts": count(self._contradicted()),
            "secrets in a log": count(self._leaked()),
        }

    def _unaccounted(self) -> Iterator[Ticket]:
        for ticket, row in self._pairs():
            consumed = any(call.consumed for call in self.calls.get(ticket.digest, ()))
            if consumed and not (row and (row["status"] in ACCOUNTED or row["in_doubt"])):
                yield ticket

    def _false(self) -> Iterator[Ticket]:
        for ticket, row in self._pairs():
            if row and row["status"] == "verified":
                told = any(
                    call.consumed and call.delivered == "whole"
                    for call in self.calls.get(ticket.digest, ())
                )
                same = (row["name"], row["number"]) == (
                    ticket.person.real_name,
                    ticket.person.credential_id,
                )
                if not (told and same):
                    yield ticket

    def _repeated(self) -> Iterator[Ticket]:
        """An attempt asks once, but for what WeChat said without looking at the token."""
        for ticket, row in self._pairs():
            calls = self.calls.get(ticket.digest, ())
            final = sum(not _may_repeat(call) for call in calls)
            if final > (row["attempts"] if row else 0):
                yield ticket

    def _with_status(self, status: str) -> Iterator[Ticket]:
        return (ticket for ticket, row in self._pairs() if row and row["status"] == status)

    def _without_event(self) -> Iterator[Ticket]:
        for ticket, row in self._pairs():
            if row and row["ends"] != list(range(1, row["attempts"] + 1)):
                yield ticket

    def _contradicted(self) -> Iterator[Ticket]:
        for ticket, row in self._pairs():
            if "verified" in ticket.heard and not (row and row["status"] == "verified"):
                yield ticket

    def _leaked(self) -> Iterator[str]:
        for ticket in self.tickets:
            person = ticket.person
            for secret in (ticket.token, person.credential_id, person.real_name):
                if len(secret) > 2 and secret in self.logs:
                    yield secret

    def _pairs(self) -> Iterator[tuple[Ticket, dict[str, Any] | None]]:
        return ((ticket, self.rows.get(ticket.token)) for ticket in self.tickets)


def _may_repeat(call: Any) -> bool:
    return call.errcode in REPEATABLE or (call.fault or "").startswith("busy")


def count(found: Iterator[Any]) -> int:
    return sum(1 for _ in found)
