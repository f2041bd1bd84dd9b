"""What the debug page hides besides what Django knows to be secret by its name."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class ExceptionReporterFilter(SafeExceptionReporterFilter):
    """Merchants given as JSON hold keys and secrets under a name that sounds harmless."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|WX_REALNAME_(?:MERCHANTS|NEXT)",
        flags=re.IGNORECASE,
    )
