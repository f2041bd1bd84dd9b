from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.databases import Database, new_database
from tests.e2e.site import Site, environment
from wx_realname.sandbox import Merchant, MerchantKey, Sandbox, make_merchant_key

APP_ID, APP_SECRET, MCH_ID = "wxe2e0000000000001", "e2e-app-secret-9d2c", "1900009999"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def key() -> MerchantKey:
    return make_merchant_key(serial="0000ABCDEF0123456789")


@pytest.fixture(scope="session")
def merchant(key: MerchantKey) -> Merchant:
    return Merchant(APP_ID, APP_SECRET, MCH_ID, (key.certificate_pem,))


@pytest.fixture
def wechat(merchant: Merchant) -> Iterator[Sandbox]:
    with Sandbox([merchant]) as sandbox:
        yield sandbox


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mysql", marks=pytest.mark.mariadb),
    ]
)
def database(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any
) -> Iterator[Database]:
    """One of each kind, new; the site of a test that doesn't ask for it has SQLite."""
    with django_db_blocker.unblock(), new_database(request.param, tmp_path) as database:
        yield database


@pytest.fixture(scope="session")
def migrated(
    tmp_path_factory: pytest.TempPathFactory, merchant: Merchant, key: MerchantKey
) -> Path:
    """A migrated SQLite database: each site that has SQLite begins with a copy."""
    folder = tmp_path_factory.mktemp("migrated")
    site = Site(folder, environment(folder, merchant, key, wechat="http://127.0.0.1:1"))
    site.manage("migrate", "--verbosity", "0")
    return folder / "db.sqlite3"


@pytest.fixture
def make_site(
    tmp_path: Path, merchant: Merchant, key: MerchantKey, migrated: Path
) -> Iterator[Callable[..., Site]]:
    """Makes a migrated site that talks to the WeChat at that address."""
    sites = []

    def make(wechat: str, **more: str) -> Site:
        site = Site(tmp_path, {**environment(tmp_path, merchant, key, wechat), **more})
        sites.append(site)
        if site.environment["DATABASE_URL"].startswith("sqlite:"):
            shutil.copy(migrated, tmp_path / "db.sqlite3")
        else:
            site.manage("migrate", "--verbosity", "0")
        return site

    yield make
    for site in sites:
        site.kill()


@pytest.fixture
def site(make_site: Callable[..., Site], wechat: Sandbox) -> Site:
    """One that serves, with one worker and a SQLite database of its own."""
    site = make_site(wechat.url)
    site.start()
    return site
