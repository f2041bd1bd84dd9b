"""The use cases: the only code that writes records. One public function each."""

from .categories import categories
from .disclosure import reveal
from .exchange import exchange
from .lifecycle import erase
from .login import login

__all__ = ["categories", "erase", "exchange", "login", "reveal"]
