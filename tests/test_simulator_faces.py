"""The simulator's server side of a face: the camera, the ledger's calls, verdicts and faults by number."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from example_project.simulator.citizens import CITIZENS
from example_project.simulator.verdicts import GROUPS
from tests.test_simulator import CAMERA, WIRE, example_site, handed_over, post  # noqa: F401
from wx_realname.exceptions import Misconfigured, Mismatch
from wx_realname.sandbox import Sandbox
from wx_realname.services import begin_face, finish_face
from wx_realname.wechat.verdicts import VERDICTS

pytestmark = pytest.mark.django_db

PLACE = "/simulator/place"
CARD = CITIZENS["ordinary"].id_card()


def begun(user: Any, **card: str) -> Any:
    return begin_face(user=user, openid="oCitizen", **{**CARD, **card})


def test_the_citizen_before_the_camera_comes_to_the_chosen_verdict(
    client: Client, sandbox: Sandbox, user: Any
) -> None:
    since = client.get(PLACE).json()["since"]
    face = begun(user)
    asked = {"verify_id": face.verify_id, "verdict": 10004, "fault": "busy-once"}
    answer = post(client, CAMERA, asked)
    assert answer.status_code == 201
    assert answer.json() == {"verify_ret": 10004, "phone": "success"}
    with pytest.raises(Mismatch):
        finish_face(face)
    wire = client.get(f"{WIRE}?face={face.pk}&since={since}")
    told = [(call["call"], call["errcode"]) for call in wire.json()["calls"]]
    assert told[-3:] == [("getverifyid", 0), ("queryverifyinfo", -1), ("queryverifyinfo", 0)]
    assert wire.json()["calls"][-1]["verdict"] == {"verify_ret": 10004}
    for secret in (face.verify_id, *CARD.values(), "oCitizen"):
        assert secret not in wire.content.decode()


def test_a_fault_of_the_begin_comes_to_a_number_of_its_own(
    client: Client, sandbox: Sandbox, user: Any
) -> None:
    card = client.get("/simulator/id-card?citizen=ordinary&fault=begin:errcode_48001").json()
    assert card["credential_id"] != CARD["credential_id"]
    with pytest.raises(Misconfigured):
        begun(user, **card)
    assert client.get("/simulator/id-card?citizen=ordinary&fault=closed").json() == CARD


def test_a_verify_id_that_wechat_does_not_know_is_a_502(client: Client, sandbox: Sandbox) -> None:
    assert post(client, CAMERA, {"verify_id": "v"}).status_code == 502


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_verdict_is_offered_with_its_group(
    client: Client, sandbox: Sandbox, language: str
) -> None:
    offered = {row["name"]: row for row in handed_over(client, language)["verdicts"]}
    assert set(offered) == {row.verify_ret for row in VERDICTS}
    assert set(GROUPS) == {row.code for row in VERDICTS}
    for row in VERDICTS:
        meaning = row.meaning_zh if language == "zh-hans" else row.meaning_en
        assert meaning in offered[row.verify_ret]["label"]
        assert offered[row.verify_ret]["group"] and offered[row.verify_ret]["explanation"]
