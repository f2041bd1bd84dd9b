"""Many faces at once over real HTTP: each ends once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.databases import Database
from tests.e2e.site import Citizen, Site, at_once
from wx_realname.sandbox import Sandbox

RESULTS = 6  # posts of one face
TYPED = {"real_name": "张三", "credential_id": "440524198001010013"}
MISMATCH = 10004


@dataclass(frozen=True)
class Face:
    """A citizen who was before the camera, and the record that waits."""

    citizen: Citizen
    record: str

    def result(self) -> int:
        path = f"realname/faces/{self.record}/result/"
        return self.citizen.call("POST", path).status_code


def test_every_face_ends_once_however_often_its_result_is_posted_at_once(
    make_site: Callable[..., Site], wechat: Sandbox, database: Database
) -> None:
    sessions = 40 if database.url.startswith("sqlite") else 200
    site = make_site(wechat.url, DATABASE_URL=database.url)
    site.start(workers=2, threads=16)

    def begun(number: int) -> Face:
        citizen = Citizen(site, wechat.issue_login_code())
        record = citizen.call("POST", "realname/faces/", json=TYPED).json()
        wechat.show_face(record["verify_id"], MISMATCH if number % 4 == 0 else None)
        return Face(citizen, record["id"])

    faces = at_once(16, begun, list(range(sessions)))
    jobs = [face for face in faces for _ in range(RESULTS)]  # the six of a face at once
    answers = Counter(at_once(32, Face.result, jobs))

    refused = sessions // 4
    assert answers == {200: (sessions - refused) * RESULTS, 422: refused * RESULTS}
    ended = "SELECT status, COUNT(*), COUNT(DISTINCT {}) FROM wx_realname_{} GROUP BY status"
    expected = [("rejected", refused, refused), ("verified", *[sessions - refused] * 2)]
    assert sorted(database.rows(ended.format("id", "verification"))) == expected
    assert sorted(database.rows(ended.format("verification_id", "auditevent"))) == expected
    assert "审计日志完整" in site.manage("realname_verify_audit")
