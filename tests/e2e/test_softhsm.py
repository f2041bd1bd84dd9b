"""Keys in a device: the docs' PKCS#11 backends with SoftHSM 2, under gunicorn with two workers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import MCH_ID
from tests.e2e.site import Citizen, Site, at_once
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import MerchantKey, Sandbox

MODULE = os.environ.get("PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so")
PIN, LABEL = "4711", "wechat-2026"
PERSON = Person("欧阳娜", "440524198001010013")
MAKE_WRAPPING_KEY = """
import os, pkcs11
token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label="data")
with token.open(user_pin=os.environ["PKCS11_PIN"], rw=True) as session:
    session.generate_key(pkcs11.KeyType.AES, 256, label="data-2026", store=True)
"""

pytestmark = [
    pytest.mark.softhsm,
    pytest.mark.skipif(
        "PKCS11_MODULE" not in os.environ and importlib.util.find_spec("pkcs11") is None,
        reason="needs python-pkcs11: tox -e py3-softhsm",
    ),
]


@dataclass(frozen=True)
class Device:
    """SoftHSM with two tokens: the data keys' and the merchant's."""

    folder: Path
    environment: dict[str, str]

    def unplug(self) -> None:
        (self.folder / "tokens").rename(self.folder / "away")

    def plug_in(self) -> None:
        (self.folder / "away").rename(self.folder / "tokens")


@pytest.fixture
def device(tmp_path: Path, key: MerchantKey) -> Device:
    folder = tmp_path / "hsm"
    (folder / "tokens").mkdir(parents=True)
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    environment = {
        "SOFTHSM2_CONF": str(folder / "conf"),
        "PKCS11_MODULE": MODULE,
        "PKCS11_TOKEN": "data",
        "PKCS11_PIN": PIN,
        "PKCS11_DATA_KEY": "data-2026",
    }

    def run(*command: str) -> None:
        everything = {**os.environ, **environment}
        subprocess.run(command, env=everything, check=True, capture_output=True)

    for label in ("data", MCH_ID):
        new = ("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN)
        run("softhsm2-util", *new)
    run(sys.executable, "-c", MAKE_WRAPPING_KEY)
    (folder / "key.pem").write_bytes(key.private_key_pem)
    what = ("--import", str(folder / "key.pem"), "--token", MCH_ID, "--label", LABEL, "--id", "01")
    run("softhsm2-util", *what, "--pin", PIN)
    (folder / "key.pem").unlink()
    return Device(folder, environment)


@pytest.fixture(params=["plain", "--sm"])
def site(
    request: pytest.FixtureRequest,
    device: Device,
    wechat: Sandbox,
    make_site: Callable[..., Site],
) -> Site:
    """All its keys in the device: made by realname_make_keys, and the merchant's."""
    site = make_site(
        wechat.url,
        **device.environment,
        WX_REALNAME_KEY_BACKEND="docs.examples.pkcs11_key.Pkcs11Key",
        WX_REALNAME_PRIVATE_KEY_FILE=LABEL,
        WX_REALNAME_PRIVATE_KEY_PASSPHRASE=PIN,
        WX_REALNAME_DATA_KEY_BACKEND="docs.examples.pkcs11_data_key.Pkcs11DataKeys",
    )
    printed = site.manage("realname_make_keys", *([request.param] * (request.param != "plain")))
    lines = [line for line in printed.splitlines() if not line.startswith("#")]
    assert all(line.count(":wrapped:") == 1 for line in lines)
    site.environment.update(line.split("=", 1) for line in lines)
    return site


def test_two_workers_exchange_with_every_key_in_the_device(site: Site, wechat: Sandbox) -> None:
    site.start(workers=2, threads=4)
    citizens = [Citizen(site, wechat.issue_login_code(f"openid-{n}")) for n in range(8)]
    tokens = [wechat.issue_auth_token(PERSON) for _ in citizens]
    jobs = list(zip(citizens, tokens, strict=True))
    answers = at_once(8, lambda job: job[0].post(job[1]), jobs)
    assert [answer.status_code for answer in answers] == [201] * 8
    site.stop()
    assert "审计日志完整" in site.manage("realname_verify_audit")


def test_a_device_that_is_gone_is_misconfigured_until_it_is_back(
    site: Site, device: Device, wechat: Sandbox
) -> None:
    site.start(workers=2)
    citizen = Citizen(site, wechat.issue_login_code("openid-1"))
    device.unplug()
    for _ in range(4):  # both workers
        gone = citizen.post(wechat.issue_auth_token(PERSON))
        assert (gone.status_code, gone.json()["code"]) == (503, "misconfigured")
    device.plug_in()
    for _ in range(4):
        assert citizen.post(wechat.issue_auth_token(PERSON)).status_code == 201
    device.unplug()
    time.sleep(1.1)  # a signature serves the second it was made in
    gone = citizen.post(wechat.issue_auth_token(PERSON))
    assert (gone.status_code, gone.json()["code"]) == (503, "misconfigured")
    device.plug_in()
    assert citizen.post(wechat.issue_auth_token(PERSON)).status_code == 201
    said = site.log.read_text()
    assert "DATA_KEY_BACKEND" in said
    assert PIN not in said
