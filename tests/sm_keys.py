"""Keys of SM algorithms: alone, as a new site has them, and before those of tests.settings."""

from __future__ import annotations

import base64

from tests import settings


def _key(length: int, byte: int) -> str:
    return base64.b64encode(bytes([byte]) * length).decode()


ALONE = {
    "ENCRYPTION_KEYS": [f"e7:SM4-GCM:{_key(16, 71)}"],
    "INDEX_KEYS": [f"i7:HMAC-SM3:{_key(32, 72)}"],
    "AUDIT_KEYS": [f"a7:HMAC-SM3:{_key(32, 73)}"],
}
FIRST = {
    name: [*keys, *settings.WX_REALNAME[name]]  # type: ignore[misc]
    for name, keys in ALONE.items()
}
