"""The use cases: the only code that writes records. One public function each."""

from .categories import categories
from .check import check
from .disclosure import find_person, reveal
from .exchange import exchange
from .export import export
from .lifecycle import erase
from .login import login

__all__ = ["categories", "check", "erase", "exchange", "export", "find_person", "login", "reveal"]
