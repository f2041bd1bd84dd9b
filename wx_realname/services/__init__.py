"""The use cases, by the person they serve. Only they, `audit` and `statistics` write this app's tables."""

from .disclosure.export import export
from .disclosure.reveal import reveal
from .disclosure.search import find_person
from .rights.consent import consent_to
from .rights.erasure import erase
from .rights.own_copy import copy
from .rights.withdrawal import withdraw
from .verification.categories import categories
from .verification.check import check
from .verification.exchange import exchange
from .verification.face import begin_face, finish_face
from .verification.from_async import abegin_face, aexchange, afinish_face
from .verification.login import login

__all__ = [
    "abegin_face",
    "aexchange",
    "afinish_face",
    "begin_face",
    "categories",
    "check",
    "consent_to",
    "copy",
    "erase",
    "exchange",
    "export",
    "find_person",
    "finish_face",
    "login",
    "reveal",
    "withdraw",
]
