"""Makes a merchant in a folder, for a first try: key, certificate and secret."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

from .keys import make_merchant_key
from .merchants import Merchant

# The first two are the names that WeChat Pay's own tool gives them.
KEY_FILE, CERTIFICATE_FILE, SECRET_FILE = "apiclient_key.pem", "apiclient_cert.pem", "app_secret"
CATEGORY_ID = "99,904"  # 政务民生, 社会保障: one of those that get_category answers


@dataclass(frozen=True)
class NewMerchant:
    """A merchant whose secrets lie in `folder`, which is absolute."""

    merchant: Merchant
    folder: Path

    def exports(self, api_base_url: str) -> tuple[str, ...]:
        """The shell lines that point the app at this merchant; they name files, no secret."""
        return (
            f"export WX_REALNAME_APP_ID={shlex.quote(self.merchant.app_id)}",
            f'export WX_REALNAME_APP_SECRET="$(cat {self._path(SECRET_FILE)})"',
            f"export WX_REALNAME_MCH_ID={shlex.quote(self.merchant.mch_id)}",
            f"export WX_REALNAME_PRIVATE_KEY_FILE={self._path(KEY_FILE)}",
            f"export WX_REALNAME_CERTIFICATE_FILE={self._path(CERTIFICATE_FILE)}",
            f"export WX_REALNAME_CATEGORY_ID={CATEGORY_ID}",
            f"export WX_REALNAME_API_BASE_URL={api_base_url}",
        )

    def again(self, *options: str) -> str:
        """The command line that serves this merchant another time, with these further options."""
        return (
            f"python -m wx_realname.sandbox --app-id {shlex.quote(self.merchant.app_id)}"
            f" --mch-id {shlex.quote(self.merchant.mch_id)}"
            f" --certificate {self._path(CERTIFICATE_FILE)}"
            f" --app-secret-file {self._path(SECRET_FILE)}"
            f" {shlex.join(options)}".rstrip()
        )

    def _path(self, name: str) -> str:
        return shlex.quote(str(self.folder / name))


def make_new_merchant(
    folder: Path, app_id: str | None = None, mch_id: str | None = None
) -> NewMerchant:
    """Write a new merchant's files (mode 0600) into `folder`, which is made if missing (0700).

    Raises `FileExistsError` rather than overwrite any of the three, and other `OSError`.
    """
    app_id = app_id or f"wx{secrets.token_hex(8)}"
    mch_id = mch_id or f"19{secrets.randbelow(10**8):08d}"
    key, app_secret = make_merchant_key(mch_id=mch_id), secrets.token_hex(16)
    _write(
        folder,
        {
            KEY_FILE: key.private_key_pem,
            CERTIFICATE_FILE: key.certificate_pem,
            SECRET_FILE: app_secret.encode(),
        },
    )
    merchant = Merchant(app_id, app_secret, mch_id, (key.certificate_pem,))
    return NewMerchant(merchant, folder.resolve())


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in files:
        if (folder / name).exists():
            raise FileExistsError(
                f"{folder / name} is there already, and is not overwritten: serve it again as the run "
                "that made it printed, or give another folder"
            )
    for name, content in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
