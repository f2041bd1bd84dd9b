"""The services for async code: run in Django's thread for blocking code, with equal arguments and errors."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from .exchange import exchange
from .face import begin_face, finish_face

aexchange = sync_to_async(exchange)
abegin_face = sync_to_async(begin_face)
afinish_face = sync_to_async(finish_face)
