"""The use cases, by whom they serve: with `audit` and `statistics` the only code that writes."""

from .disclosure.export import export
from .disclosure.reveal import reveal
from .disclosure.search import find_person
from .rights.erasure import erase
from .verification.categories import categories
from .verification.check import check
from .verification.exchange import exchange
from .verification.login import login

__all__ = ["categories", "check", "erase", "exchange", "export", "find_person", "login", "reveal"]
