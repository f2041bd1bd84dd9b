"""For any ASGI server: `uvicorn example_project.asgi:application`.

Under ASGI a persistent connection outlives its request's thread, and the database runs out of clients: each
request opens its own, or takes one of a pool (`?pool=true` in DATABASE_URL).
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
os.environ.setdefault("CONN_MAX_AGE", "0")

application = get_asgi_application()
