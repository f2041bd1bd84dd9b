"""How our calls are described to drf-spectacular: the extra `[openapi]`.

With "drf_spectacular" in INSTALLED_APPS the host's schema has every call of this package, every error code
with the body that the API answers, and the headers. Without it nothing here is imported.

A host whose own views answer with our errors describes them in the same way: in an extension's
`view_replacement`, `described_view(self.target, get=described({200: …}, RealNameRequired))`.
"""

from . import calls, fields, rights  # noqa: F401 - importing registers them
from .describing import described, described_view, empty_body, told_by_wechat

__all__ = ["described", "described_view", "empty_body", "told_by_wechat"]
