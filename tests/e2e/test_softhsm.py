"""Keys in a device: the docs' PKCS#11 backends with SoftHSM 2, under gunicorn with two workers."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import MCH_ID
from tests.e2e.site import Citizen, Site, at_once
from tests.processes import run
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import MerchantKey, Sandbox, make_merchant_key

MODULE = os.environ.get("PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so")
PIN, LABEL = "4711", "wechat-2026"
PERSON = Person("欧阳娜", "440524198001010013")
MAKE_WRAPPING_KEY = """
import os, pkcs11
token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label="data")
with token.open(user_pin=os.environ["PKCS11_PIN"], rw=True) as session:
    session.generate_key(pkcs11.KeyType.AES, 256, label="data-2026", store=True)
"""

#: Two merchants, and a second key for the first one: the threads' results, or the process's crash.
KEYS_AT_ONCE = """
import collections, sys, threading
from docs.examples.pkcs11_key import Pkcs11Key
from wx_realname.conf import KeySource
from wx_realname.personal_data import Secret

pin, certificate, *keys = sys.argv[1:]
def key(token, label):
    source = KeySource("x", None, label, Secret(pin), None, certificate, None)
    return Pkcs11Key(source, token)
first, following, second = (key(*each.split("/")) for each in keys)
done = collections.Counter()
def repeat(name, times, work):
    for _ in range(times):
        try:
            done[name, len(work())] += 1
        except Exception as error:
            done[name, type(error).__name__] += 1
threads = [
    threading.Thread(target=repeat, args=arguments)
    for arguments in (
        ("garbage", 30, lambda: first.decrypt(b"1" * 256)),
        ("first", 100, lambda: first.sign(b"x")),
        ("following", 100, lambda: following.sign(b"x")),
        ("second", 100, lambda: second.sign(b"x")),
    )
]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(done.items()))
"""

#: A thread of the parent is inside the library while the server forks: the child's own answer.
FORKED_MEANWHILE = """
import faulthandler, os, sys, threading
from docs.examples.pkcs11_key import Pkcs11Key
from wx_realname.conf import KeySource
from wx_realname.personal_data import Secret

pin, certificate, token, label = sys.argv[1:]
source = KeySource("x", None, label, Secret(pin), None, certificate, None)
inside, leave = threading.Event(), threading.Event()
def work(device):
    inside.set()
    return b"" if leave.wait(60) else b""
threading.Thread(target=Pkcs11Key(source, token)._key.use, args=(work,), daemon=True).start()
inside.wait(60)
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(20, exit=True)
    os._exit(0 if len(Pkcs11Key(source, token).sign(b"x")) == 256 else 1)
ended = os.waitpid(child, 0)[1]
leave.set()
print(ended)
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

    def run(self, *command: str) -> str:
        return run(*command, env={**os.environ, **self.environment})

    def add_token(self, label: str) -> None:
        new = ("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN)
        self.run("softhsm2-util", *new)

    def import_key(self, token: str, label: str, key: MerchantKey) -> None:
        pem = self.folder / "key.pem"
        pem.write_bytes(key.private_key_pem)
        what = ("--import", str(pem), "--token", token, "--label", label)
        self.run("softhsm2-util", *what, "--id", label.encode().hex(), "--pin", PIN)
        pem.unlink()

    def unplug(self) -> None:
        (self.folder / "tokens").rename(self.folder / "away")

    def plug_in(self) -> None:
        (self.folder / "away").rename(self.folder / "tokens")


@pytest.fixture
def device(tmp_path: Path, key: MerchantKey) -> Device:
    folder = tmp_path / "hsm"
    (folder / "tokens").mkdir(parents=True)
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    (folder / "cert.pem").write_bytes(key.certificate_pem)
    environment = {"SOFTHSM2_CONF": str(folder / "conf"), "PKCS11_MODULE": MODULE}
    environment |= {"PKCS11_TOKEN": "data", "PKCS11_PIN": PIN, "PKCS11_DATA_KEY": "data-2026"}
    device = Device(folder, environment)
    for token in ("data", MCH_ID):
        device.add_token(token)
    device.run(sys.executable, "-c", MAKE_WRAPPING_KEY)
    device.import_key(MCH_ID, LABEL, key)
    return device


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

    def posted() -> tuple[int, str]:
        answer = citizen.post(wechat.issue_auth_token(PERSON))
        return answer.status_code, answer.json().get("code", "")

    device.unplug()
    assert [posted() for _ in range(4)] == [(503, "misconfigured")] * 4  # both workers
    device.plug_in()
    assert [posted() for _ in range(4)] == [(201, "")] * 4
    device.unplug()
    time.sleep(1.1)  # a signature serves the second it was made in
    assert posted() == (503, "misconfigured")
    device.plug_in()
    assert posted() == (201, "")
    said = site.log.read_text()
    assert "DATA_KEY_BACKEND" in said
    assert PIN not in said


def test_keys_of_two_merchants_and_the_next_one_share_the_device(device: Device) -> None:
    """An answer that doesn't decrypt, for one of them, ends nothing for the others."""
    other = "1900009998"
    device.add_token(other)
    device.import_key(MCH_ID, "wechat-2027", make_merchant_key())
    device.import_key(other, LABEL, make_merchant_key())
    keys = (f"{MCH_ID}/{LABEL}", f"{MCH_ID}/wechat-2027", f"{other}/{LABEL}")
    certificate = str(device.folder / "cert.pem")
    said = device.run(sys.executable, "-c", KEYS_AT_ONCE, PIN, certificate, *keys)
    counted = dict(ast.literal_eval(said))
    garbage = [counted.pop(key) for key in [*counted] if key[0] == "garbage"]
    assert counted == {(name, 256): 100 for name in ("first", "following", "second")}
    assert sum(garbage) == 30


def test_a_fork_leaves_the_parents_lock_behind(device: Device) -> None:
    given = (PIN, str(device.folder / "cert.pem"), MCH_ID, LABEL)
    assert device.run(sys.executable, "-c", FORKED_MEANWHILE, *given) == "0\n"
