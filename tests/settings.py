"""Settings of the test suite. Servers come from TEST_DATABASE_URL and TEST_CACHE_URL."""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import environ

from wx_realname.sandbox import make_merchant_key

env = environ.Env()
folder = Path(tempfile.mkdtemp(prefix="wx_realname-tests-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)

merchant_key = make_merchant_key()
(folder / "apiclient_key.pem").write_bytes(merchant_key.private_key_pem)
(folder / "apiclient_cert.pem").write_bytes(merchant_key.certificate_pem)

SECRET_KEY = "only-for-tests"
USE_TZ = True
ROOT_URLCONF = "tests.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "wx_realname",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
LANGUAGE_CODE = "en"

DATABASES = {"default": env.db("TEST_DATABASE_URL", default="sqlite:///:memory:")}
if engine := env.str("TEST_DATABASE_ENGINE", default=""):
    DATABASES["default"]["ENGINE"] = engine
if DATABASES["default"]["ENGINE"] in ("django.db.backends.sqlite3", "tests.unheard_of"):
    # A file, so that the threads of a test share it as the workers of a site would.
    DATABASES["default"] |= {
        "NAME": folder / "db.sqlite3",
        "TEST": {"NAME": folder / "test.sqlite3"},
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
CACHES = {"default": env.cache_url("TEST_CACHE_URL", default="locmemcache://")}
# Its table is made with the test database: a CREATE TABLE in a test would end MariaDB's transaction.
CACHES["throttles"] = environ.Env.cache_url_config("dbcache://throttles")
if (worker := os.environ.get("PYTEST_XDIST_WORKER", "gw0")) != "gw0":
    # a database of its own in Redis: clearing the cache clears all of one
    location, _, number = CACHES["default"]["LOCATION"].rpartition("/")
    if number.isdigit():
        CACHES["default"]["LOCATION"] = f"{location}/{int(number) - int(worker[2:])}"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tests.authentication.ByHeader"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}


def _key(length: int, byte: int) -> str:
    return base64.b64encode(bytes([byte]) * length).decode()


WX_REALNAME: dict[str, Any] = {
    "MERCHANTS": {
        "default": {
            "APP_ID": "wx0000000000000001",
            "APP_SECRET": "tests-have-no-secret",
            "MCH_ID": "1900000001",
            "PRIVATE_KEY_FILE": str(folder / "apiclient_key.pem"),
            "CERTIFICATE_FILE": str(folder / "apiclient_cert.pem"),
            "CATEGORY_ID": [99, 904],
        }
    },
    "API_BASE_URL": "http://127.0.0.1:1",
    "ENCRYPTION_KEYS": [f"e1:AES-256-GCM:{_key(32, 1)}"],
    "INDEX_KEYS": [f"i1:{_key(32, 2)}"],
    "NAME_INDEX": "exact",  # most tests find by name; tests/test_limits_of_officers.py goes without
    "AUDIT_KEYS": [f"a1:{_key(32, 3)}"],
    "THROTTLE_RATE": None,
}
