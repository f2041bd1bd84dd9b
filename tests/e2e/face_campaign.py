"""Many faces with an unkind WeChat, while workers are killed and servers go away; then the books.

What each citizen came to before the camera is held against the database: nobody may be verified who
didn't pass, and whoever passed must be, unless WeChat itself answered the query with something else.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.campaign import TIMEOUTS, TRIES, Campaign, count, posted
from tests.e2e.site import Citizen
from wx_realname import resident_id
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox.verify_rets import OPEN, PASSED, VERIFY_RETS

BEGIN, QUERY = "getverifyid", "queryverifyinfo"
HOUR = 3600  # seconds
#: WeChat's answers that end a record whatever the citizen came to.
ENDS_UNKNOWN = "verify_ret_repeated"

FACE_TIMEOUTS = TIMEOUTS | {"WX_REALNAME_FACE_RATE": "none"}
ACCOUNTS = """
import hashlib, json
from wx_realname.models import AuditEvent, Verification
from wx_realname.services.verification.face import _out_seq_nos
ends = {}
for event in AuditEvent.objects.filter(event__in=["exchange", "exchange_abandoned"]):
    ends.setdefault(event.verification_id, []).append(event.attempt)
for row in Verification.objects.select_related("user"):
    plain = row.personal_data()
    print(json.dumps({
        "id": str(row.pk), "openid": row.user.username, "status": row.status,
        "ends": ends.get(row.pk, []), "sealed": row.face_encrypted is not None,
        "calls": [hashlib.sha256(each.encode()).hexdigest() for each in _out_seq_nos(row.pk)],
        "name": plain and plain.real_name, "number": plain and plain.credential_id,
    }))
"""
#: In five runs, one record in 3,000 meets a fault each time.
SETTLE = """
import json, sys
from django.core.management import call_command
from wx_realname.models import Verification
waited_for = set(json.load(sys.stdin))
for _ in range(20):
    waiting = Verification.objects.filter(status="waiting").values_list("pk", flat=True)
    if waited_for.isdisjoint(map(str, waiting)):
        break
    call_command("realname_settle", "--all")
"""


@dataclass
class Face:
    """A citizen, what WeChat will see, and what became of it; `verify_ret` None: never looks."""

    person: Person
    openid: str
    verify_ret: int | None
    closes: bool  # the mini-program, before it asks for the result
    shown: dict[str, int] = field(default_factory=dict)  # by record
    verify_ids: list[str] = field(default_factory=list, repr=False)
    answers: list[tuple[str, str]] = field(default_factory=list)  # record, status or code

    @property
    def heard(self) -> list[str]:
        return [said for _, said in self.answers]

    @property
    def planted(self) -> list[str]:
        person = self.person
        return [person.real_name, person.credential_id, self.openid, *self.verify_ids]


class FaceCampaign(Campaign):
    """The campaign of exchanges, with faces. `move_clock` puts WeChat's clock forward by seconds."""

    def __init__(self, *args: Any, move_clock: Callable[[float], None], **kwargs: Any) -> None:
        self._move_clock = move_clock
        super().__init__(*args, **kwargs)

    def _ticket(self) -> Face:
        dice = self._dice
        seventeen = f"{dice.randrange(110000, 650000)}19{dice.randrange(50, 99)}0101{dice.randrange(1000):03}"
        number = seventeen + resident_id.check_character(seventeen)
        name = "".join(dice.choices("赵钱孙李周吴郑王䶮𠮷", k=dice.choice([2, 3])))
        final = [verify_ret for verify_ret in VERIFY_RETS if verify_ret not in OPEN]
        verify_ret = dice.choices([PASSED, dice.choice(final), None], [70, 25, 5])[0]
        openid = f"o{dice.randbytes(14).hex()[:27]}"
        return Face(Person(name, number), openid, verify_ret, closes=dice.random() < 0.15)

    def _go_through(self, face: Face) -> None:
        citizen = self._logged_in(face.openid)
        record = self._begun(face, citizen)
        if record is None or face.closes:
            return
        for _ in range(TRIES):
            said, again = posted(citizen, f"realname/faces/{record}/result/")
            face.answers.append((record, str(said.get("status") or said["code"])))
            if not again:
                return
            time.sleep(0.3)

    def _begun(self, face: Face, citizen: Citizen) -> str | None:
        typed = {"real_name": face.person.real_name, "credential_id": face.person.credential_id}
        for _ in range(TRIES):
            said, again = posted(citizen, "realname/faces/", json=typed)
            if "verify_id" in said:
                record = str(said["id"])
                face.verify_ids.append(said["verify_id"])
                if face.verify_ret is None:
                    return None
                self._wechat.show_face(said["verify_id"], face.verify_ret)
                face.shown[record] = face.verify_ret
                return record
            face.answers.append(("", said["code"]))
            if not again:
                return None
            time.sleep(0.3)
        return None

    # --- the books ----------------------------------------------------------------------------

    def sweep(self) -> None:
        """What timers do: first while WeChat knows the faces, then after their hour."""
        time.sleep(float(TIMEOUTS["WX_REALNAME_PENDING_TIMEOUT"]) + 1)
        self._site.manage("realname_purge")
        self._settle({record for face in self.tickets for record in face.shown})
        self._move_clock(HOUR + 60)
        self._settle({row["id"] for row in self._rows(ACCOUNTS)})
        for command in ("realname_seal_audit", "realname_verify_audit"):
            self._site.manage(command)

    def _settle(self, records: set[str]) -> None:
        """Run realname_settle until none of the records waits."""
        stdin = json.dumps(sorted(records))
        self._site.manage("shell", "-v", "0", "-c", SETTLE, stdin=stdin)

    def books(self, elsewhere: bytes) -> FaceBooks:
        """`elsewhere`: logs, cache and columns, where nothing of a citizen may be."""
        rows = {row["id"]: row for row in self._rows(ACCOUNTS)}
        return FaceBooks(self.tickets, rows, self._calls(BEGIN, QUERY), elsewhere)


@dataclass(frozen=True)
class FaceBooks:
    """What citizens came to before the camera, against the database."""

    tickets: list[Face]
    rows: dict[str, dict[str, Any]]
    calls: dict[str, list[Any]]
    elsewhere: bytes = field(repr=False)

    def faults(self) -> dict[str, int]:
        """What must not be, and how often it is."""
        return {
            "verified, and not by WeChat, or as somebody else": count(self._false()),
            "passed, and lost": count(self._lost()),
            "rows waiting after the settle": self._with_status("waiting"),
            "rows pending after the sweep": self._with_status("pending"),
            "rows that keep what was sealed": sum(row["sealed"] for row in self.rows.values()),
            "attempts without their one event": sum(
                row["ends"] != [1] for row in self.rows.values()
            ),
            "answers that the database contradicts": count(self._contradicted()),
            "planted words in a log, the cache or a column": count(self._leaked()),
        }

    def _false(self) -> Iterator[str]:
        faces = {face.openid: face for face in self.tickets}
        for record, row in self.rows.items():
            if row["status"] != "verified":
                continue
            face = faces[row["openid"]]
            same = (row["name"], row["number"]) == (
                face.person.real_name,
                face.person.credential_id,
            )
            if not (same and face.shown.get(record) == PASSED and self._was_answered(row)):
                yield record

    def _was_answered(self, row: dict[str, Any]) -> bool:
        return any(
            call.call == QUERY
            and call.verdict == {"verify_ret": PASSED}
            and call.delivered == "whole"
            for call in self._calls_of(row)
        )

    def _lost(self) -> Iterator[str]:
        for face in self.tickets:
            for record, verify_ret in face.shown.items():
                row = self.rows.get(record)
                if verify_ret == PASSED and (row is None or row["status"] != self._ends(row)):
                    yield record

    def _ends(self, row: dict[str, Any]) -> str:
        """The status of who passed."""
        spoilt = any(call.fault == ENDS_UNKNOWN for call in self._calls_of(row))
        return "unknown" if spoilt and row["status"] == "unknown" else "verified"

    def _calls_of(self, row: dict[str, Any]) -> list[Any]:
        return [call for digest in row["calls"] for call in self.calls.get(digest, ())]

    def _with_status(self, status: str) -> int:
        return sum(row["status"] == status for row in self.rows.values())

    def _contradicted(self) -> Iterator[str]:
        for face in self.tickets:
            for record, said in face.answers:
                if said == "verified" and self.rows[record]["status"] != "verified":
                    yield record

    def _leaked(self) -> Iterator[str]:
        for face in self.tickets:
            for word in face.planted:
                if word.encode() in self.elsewhere:
                    yield hashlib.sha256(word.encode()).hexdigest()
