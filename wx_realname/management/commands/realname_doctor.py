"""Checks everything that can be checked without a citizen."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from wx_realname.exceptions import ConfigurationError
from wx_realname.management.base import RealnameCommand
from wx_realname.services.operation import doctor
from wx_realname.services.operation.examination import Finding


class Command(RealnameCommand):
    help = (
        "Check keys, certificates and clock, and ask WeChat whatever needs no citizen: access_token, IP "
        "whitelist, categories, and an exchange of an invented auth_token. One line each, with what to do "
        "and who must do it. Exit 1 on a fault."
    )
    requires_system_checks = ()  # this command finds the same, merchant by merchant

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {
            "ok": self.style.SUCCESS,
            "warning": self.style.WARNING,
            "fault": self.style.ERROR,
        }
        faults = 0
        try:
            for found in doctor.examine():
                faults += found.level == "fault"
                line = f"{found.level:8}{found.merchant} {found.topic}: {_describe(found)}"
                self.stdout.write(styles[found.level](line))
                self.stdout.flush()
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        if faults:
            sys.exit(1)


def _describe(found: Finding) -> str:
    if not found.remedy:
        return found.says
    return _("%(says)s %(remedy)s") % {"says": found.says, "remedy": found.remedy}
