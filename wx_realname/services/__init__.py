"""The use cases: the only code that writes records. One public function each."""

from .disclosure import reveal
from .exchange import exchange
from .lifecycle import erase

__all__ = ["erase", "exchange", "reveal"]
