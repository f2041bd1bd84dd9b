"""realname_groups: the console's two groups, however often it is run."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db
LOOKS = {
    "view_verification",
    "view_auditevent",
    "view_hourlystatistic",
    "view_consent",
    "view_notice",
}
GROUPS = {
    "realname auditor": LOOKS,
    "realname officer": LOOKS | {"reveal_verification", "export_plaintext", "erase_verification"},
}


def permissions() -> dict[str, set[str]]:
    return {
        group.name: set(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.all()
    }


def test_it_makes_two_groups_with_just_their_permissions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("realname_groups")
    assert permissions() == GROUPS
    assert capsys.readouterr().out == "realname auditor: made\nrealname officer: made\n"


def test_run_again_it_mends_what_is_missing_and_takes_nothing_away() -> None:
    call_command("realname_groups", verbosity=0)
    officer = Group.objects.get(name="realname officer")
    officer.permissions.remove(Permission.objects.get(codename="erase_verification"))
    officer.permissions.add(Permission.objects.get(codename="view_user"))
    call_command("realname_groups")
    assert permissions() == GROUPS | {
        "realname officer": GROUPS["realname officer"] | {"view_user"}
    }


def test_before_migrate_it_says_what_to_do() -> None:
    Permission.objects.filter(codename="view_auditevent").delete()
    with pytest.raises(CommandError, match="migrate"):
        call_command("realname_groups")
    assert not Group.objects.exists()
