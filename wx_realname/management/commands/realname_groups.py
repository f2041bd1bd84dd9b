"""Makes the console's two groups."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import CommandError
from django.db import router, transaction
from django.utils.translation import gettext as _

from wx_realname.management.base import RealnameCommand

LOOKS = (
    "view_verification",
    "view_auditevent",
    "view_hourlystatistic",
    "view_consent",
    "view_notice",
)
GROUPS = {
    "realname auditor": LOOKS,
    "realname officer": (
        *LOOKS,
        "reveal_verification",
        "export_plaintext",
        "erase_verification",
    ),
}


class Command(RealnameCommand):
    help = (
        'Make the groups "realname auditor" (may look at records and trail, masked) and "realname officer" '
        "(may reveal, export and erase too). Run again, it adds missing permissions and removes none."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        using = router.db_for_write(Group)
        with transaction.atomic(using=using):
            for name, codenames in GROUPS.items():
                group, made = Group.objects.using(using).get_or_create(name=name)
                group.permissions.add(*_permissions(codenames, using))
                self.stdout.write(f"{name}: {_('made') if made else _('was there')}")


def _permissions(codenames: tuple[str, ...], using: str) -> list[Permission]:
    found = Permission.objects.using(using).filter(
        content_type__app_label="wx_realname", codename__in=codenames
    )
    if len(found) < len(codenames):
        raise CommandError(_("The permissions are not there yet: run `migrate` first."))
    return list(found)
