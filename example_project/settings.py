"""Settings from the environment; `WX_REALNAME_…` variables are read by `wx_realname.env`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from example_project.introduction import INTRODUCTION
from wx_realname import __version__ as wx_realname_version
from wx_realname import env as wx_realname_env

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Raw, since django-environ takes a leading `$` for a reference.
SECRET_KEY = str(env.ENVIRON.get("SECRET_KEY", ""))
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "Set SECRET_KEY in the environment, or run `make demo`, which needs no settings."
    )
DEBUG = env.bool("DEBUG", default=False)
DEFAULT_EXCEPTION_REPORTER_FILTER = "example_project.reporting.ExceptionReporterFilter"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "wx_realname",
    "example_project",
]
MIDDLEWARE = [
    "wx_realname.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CSRF_FAILURE_VIEW = "wx_realname.admin.csrf.failure"
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
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


def _variable(name: str, read: Callable[..., Any], default: Any, example: str) -> Any:
    """Return the variable's value. The error names the variable, never the value: it may be a password."""
    try:
        value = read(name, default=default)
    except (ImproperlyConfigured, ValueError):
        value = {}
    if value == {}:
        raise ImproperlyConfigured(f"{name} can't be read. Give it as in {name}={example}")
    return value


def _database() -> dict[str, Any]:
    database: dict[str, Any] = _variable(
        "DATABASE_URL",
        env.db_url,
        f"sqlite:///{BASE_DIR / 'db.sqlite3'}",
        "postgres://user:password@host:5432/name",
    )
    options = database.setdefault("OPTIONS", {})
    pool = options.pop("pool", False)
    if not isinstance(pool, dict):  # a dict is the pool's own options
        pool = str(pool).lower() in env.BOOLEAN_TRUE_STRINGS
    if pool:
        options["pool"] = pool
        database.pop("CONN_MAX_AGE", None)  # Django's pool excludes persistent connections
    else:
        # A new connection per request costs PostgreSQL 5 to 9 ms.
        database.setdefault("CONN_MAX_AGE", _variable("CONN_MAX_AGE", env.int, 60, "60"))
        database.setdefault("CONN_HEALTH_CHECKS", True)
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # Writers wait for one another instead of failing with “database is locked”.
        options.update(
            transaction_mode="IMMEDIATE", timeout=30, init_command="PRAGMA journal_mode=WAL"
        )
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": _variable("CACHE_URL", env.cache_url, "locmemcache://", "redis://host:6379/0")}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static_root"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "wx_realname.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "wx_realname",
    "DESCRIPTION": INTRODUCTION,
    "VERSION": wx_realname_version,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=2),
    # A key of its own, long enough for HS256 whatever SECRET_KEY is.
    "SIGNING_KEY": hashlib.sha256(b"example_project.login " + SECRET_KEY.encode()).hexdigest(),
}

# METRICS=true wants the extra [prometheus]; see example_project/metrics.py.
METRICS = env.bool("METRICS", default=False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"realname": {"()": "wx_realname.log.ContextFilter"}},
    "formatters": {"json": {"()": "wx_realname.log.JSONFormatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["realname"],
            "formatter": "json",
        }
    },
    "loggers": {
        "wx_realname": {
            "handlers": ["stderr"],
            "level": env.str("LOG_LEVEL", default="INFO"),
        }
    },
}

WX_REALNAME = wx_realname_env.settings(env)
