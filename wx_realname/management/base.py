"""Base of all commands: no traceback for what the operator can correct.

A wrong setting, a database that fails and Ctrl-C are one line each; a pipe that nobody reads is none.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..exceptions import ConfigurationError, Misconfigured
from ..outages import Outage, describe, outage

UNDONE = 2  # the exit code where the work couldn't be done; 1: it was, and found something
BACKEND_FAILED = gettext_lazy(
    "A key could not be opened or used; the log says which backend failed, and how."
)
INTERRUPTED = 128 + 2  # as shells report SIGINT
UNREAD = 128 + 13  # as shells report SIGPIPE


class RealnameCommand(BaseCommand):
    """A command that reports in one line why it failed; --traceback shows the rest."""

    #: The rights that the database's role needs: printed when the database refuses.
    needs: str | Promise = ""
    #: The consequence of a failure of the database: printed with it.
    undone: str | Promise = ""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except CommandError as error:  # a wrong option, a failed check; 1 is what Django gives it
            error.returncode = UNDONE
            raise
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=UNDONE) from None
        except Misconfigured:
            raise CommandError(str(BACKEND_FAILED), returncode=UNDONE) from None
        except Error as error:
            raise CommandError(self._describe(error), returncode=UNDONE) from error

    def _describe(self, error: Error) -> str:
        needs = self.needs if outage(error) is Outage.REFUSED else ""
        return " ".join(filter(None, map(str, [describe(error), needs, self.undone])))

    def run_from_argv(self, argv: list[str]) -> None:
        """Ends without a traceback on Ctrl-C; a Python caller of `handle` gets the KeyboardInterrupt.

        Likewise where the reader, such as `head`, has closed the pipe.
        """
        try:
            super().run_from_argv(argv)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            sys.exit(UNREAD)
        except KeyboardInterrupt:
            self.stderr.write("\n" + _("Stopped. It can be run again."))
            sys.exit(INTERRUPTED)
