"""The example site's settings, and beside them what the other ways need."""

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, INSTALLED_APPS, REST_FRAMEWORK

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
ROOT_URLCONF = "benchmarks.urls"
MIDDLEWARE = []  # what a site's own middleware costs would only make the ratios look better
LOGGING_CONFIG = None
REST_FRAMEWORK = (
    REST_FRAMEWORK
    | {  # a signed token, which says who it is without a look into a table
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
        ]
    }
)

_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.postgresql":
    _database["OPTIONS"] = {"pool": {"min_size": 4, "max_size": 8, "timeout": 60}}
    _database |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["TEST"] = {"NAME": _database["NAME"]}
# The database that the benchmark made, for the processes that it starts.
_database["NAME"] = os.environ.get("BENCHMARK_DATABASE", _database["NAME"])
